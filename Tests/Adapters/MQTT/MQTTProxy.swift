import BridgeTesting
import Glibc
import Synchronization

/// Stands between a client and a broker on loopback, and tells which packets the client has sent.
///
/// Thread-safe.
final class MQTTProxy: Sendable {
    let port: Int
    private let broker: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        /// Type nibbles of the packets from clients, in order.
        var sent: [UInt8] = []
        var sockets: [Int32] = []
        var isBlackhole = false
        var connections = 0
    }

    init(broker: Int) throws {
        self.broker = broker
        self.listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw PeerError("no proxy: errno \(errno)") }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        OwnThread.start { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                self.serve(client)
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        self.cut()
    }

    /// The packets of a type that clients have sent so far: 4 is PUBACK, 8 SUBSCRIBE, 10 UNSUBSCRIBE, 12 PINGREQ, 14 DISCONNECT.
    func sent(_ type: UInt8) -> Int { self.state.withLock { $0.sent.count { $0 == type } } }

    /// How many connections there were.
    var connections: Int { self.state.withLock { $0.connections } }

    /// Cuts every connection.
    func cut() {
        let sockets = self.state.withLock { state in
            defer { state.sockets = [] }
            return state.sockets
        }
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    /// Accepts connections and answers nothing.
    func swallow() {
        self.state.withLock { $0.isBlackhole = true }
    }

    private func serve(_ client: Int32) {
        let isBlackhole = self.state.withLock { state in
            state.connections += 1
            state.sockets.append(client)
            return state.isBlackhole
        }
        if isBlackhole { return }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(self.broker).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(server)
            shutdown(client, Int32(SHUT_RDWR))
            return
        }
        self.state.withLock { $0.sockets.append(server) }
        OwnThread.start { [weak self] in
            var parser = PacketTypes()
            Self.forward(from: client, to: server) { bytes in
                let types = parser.types(in: bytes)
                self?.state.withLock { $0.sent += types }
            }
        }
        OwnThread.start { Self.forward(from: server, to: client) { _ in } }
    }

    private static func forward(from source: Int32, to target: Int32, _ look: (ArraySlice<UInt8>) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            look(buffer[..<count])
            var start = 0
            while start < count {
                let written = buffer[start..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                start += written
            }
        }
        shutdown(target, Int32(SHUT_RDWR))
        shutdown(source, Int32(SHUT_RDWR))
    }

    /// Finds where packets begin in a stream of bytes.
    private struct PacketTypes {
        private var rest: [UInt8] = []

        mutating func types(in bytes: ArraySlice<UInt8>) -> [UInt8] {
            self.rest += bytes
            var result: [UInt8] = []
            var start = 0
            while start + 1 < self.rest.count {
                var length = 0
                var index = start + 1
                var shift = 0
                while index < self.rest.count {
                    length |= Int(self.rest[index] & 0x7f) << shift
                    shift += 7
                    index += 1
                    if self.rest[index - 1] < 0x80 { break }
                }
                guard self.rest[index - 1] < 0x80, index + length <= self.rest.count else { break }
                result.append(self.rest[start] >> 4)
                start = index + length
            }
            self.rest.removeFirst(start)
            return result
        }
    }
}
