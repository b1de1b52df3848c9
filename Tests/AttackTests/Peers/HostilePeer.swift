import BridgeTesting
import Glibc
import Synchronization

/// A server on loopback that treats each connection as a test says, on its own thread.
///
/// Thread-safe. Stops listening, and shuts down every connection, with the last reference.
final class HostilePeer: Sendable {
    let port: Int
    private let listener: Int32
    private let state: Connections

    /// - Parameter serve: gets each connection and its number from 0; the connection is closed when it returns.
    init(_ serve: @escaping @Sendable (AttackSocket, Int) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw PeerError.system("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 256) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw PeerError.system("listen") }
        self.listener = listener
        self.port = Int(UInt16(bigEndian: address.sin_port))
        let state = Connections()
        self.state = state
        OwnThread.start {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let socket = AttackSocket(accepted: client)
                let number = state.add(socket)
                OwnThread.start {
                    serve(socket, number)
                    state.remove(number)
                }
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        self.state.shutDown()
    }

    /// How many connections there were.
    var connections: Int { self.state.count }

    private final class Connections: Sendable {
        private let open = Mutex<(count: Int, sockets: [Int: AttackSocket])>((0, [:]))

        var count: Int { self.open.withLock { $0.count } }

        func add(_ socket: AttackSocket) -> Int {
            self.open.withLock { open in
                defer { open.count += 1 }
                open.sockets[open.count] = socket
                return open.count
            }
        }

        func remove(_ number: Int) {
            _ = self.open.withLock { $0.sockets.removeValue(forKey: number) }
        }

        func shutDown() {
            self.open.withLock { open in
                for socket in open.sockets.values { socket.shutDown() }
            }
        }
    }
}
