import BridgeTesting
import Testing

/// Terminates TLS in front of a plain server on loopback, with the certificate of a test.
final class TLSFront: Sendable {
    let port: Int
    private let reservation: LastingPort
    private let process: ChildProcess
    private let directory: TemporaryDirectory

    init(server: Int, _ certificates: Certificates) async throws {
        let (reservation, directory) = (try LastingPort(), try TemporaryDirectory())
        self.reservation = reservation
        self.directory = directory
        self.port = reservation.number
        let script = try directory.write(
            """
            import socket, ssl, sys, threading
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[3], sys.argv[4])
            listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            def copy(source, target):
                try:
                    while data := source.recv(65536): target.sendall(data)
                except OSError: pass
                for end in (source, target):
                    try: end.shutdown(socket.SHUT_RDWR)
                    except OSError: pass
            def serve(client):
                try:
                    client = context.wrap_socket(client, server_side=True)
                    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
                except OSError: return
                threading.Thread(target=copy, args=(client, server), daemon=True).start()
                copy(server, client)
            while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
            """, to: "front.py")
        self.process = try ChildProcess(
            "python3", [script, String(reservation.number), String(server), certificates.server, certificates.serverKey])
        try await eventually("the front listens: \(self.process.standardError)") {
            (try? RawConnection(port: reservation.number)) != nil
        }
    }
}
