import BridgeTesting
import Testing

/// A client that means harm: a Python program with raw sockets, which knows the frames of HTTP/2.
enum Attacker {
    private static let prelude = """
        import select, socket, struct, sys, time
        port = int(sys.argv[1])

        def connect():
            return socket.create_connection(('127.0.0.1', port), timeout=20)

        def send(connection, data, limit=5):
            # Sends what the server takes within the limit; says how much that was.
            connection.setblocking(False)
            sent, end, writable = 0, time.time() + limit, select.poll()
            writable.register(connection, select.POLLOUT)
            while sent < len(data) and time.time() < end:
                if not writable.poll(500):
                    break
                try:
                    sent += connection.send(data[sent:sent + 65536])
                except (BrokenPipeError, ConnectionResetError):
                    break
            return sent

        def frame(kind, flags, stream, payload=b''):
            return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload

        def literal(name, value):
            return b'\\0' + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()

        def request(stream, method, path, fields={}, end=True):
            block = b'\\x86' + literal(':method', method) + literal(':path', path) + literal(':authority', '127.0.0.1')
            block += b''.join(literal(*field) for field in fields.items())
            return frame(1, 5 if end else 4, stream, block)

        def open2(window=65535):
            connection = connect()
            connection.sendall(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + frame(4, 0, 0, struct.pack('>HI', 4, window)))
            # Its settings are acknowledged, so that its limits hold.
            connection.recv(65536)
            connection.sendall(frame(4, 1, 0))
            return connection

        def done():
            print('done', flush=True)
            time.sleep(60)

        """

    /// Runs an attack and, once it prints that it is done, continues for as long as `body` runs.
    static func run<Value>(_ port: Int, _ script: String, _ body: () async throws -> Value) async throws -> Value {
        try await ChildProcess.with("python3", ["-c", self.prelude + script, "\(port)"]) { python in
            try await eventually(within: .seconds(60), "the attack stands: \(python.standardError)") {
                if let ending = python.ended { throw PeerError("the attacker ended with \(ending): \(python.standardError)") }
                return python.standardOutput.contains("done\n")
            }
            return try await body()
        }
    }
}
