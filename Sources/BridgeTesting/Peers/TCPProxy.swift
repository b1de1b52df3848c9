import Glibc
import Synchronization

/// A proxy between a client and a server on loopback: observes both directions; cuts, delays, silences or refuses
/// connections.
///
/// Thread-safe. Closes with its last reference.
package final class TCPProxy: Sendable {
    /// The treatment of a new connection.
    package enum Mode: Sendable {
        /// Connects it to the server.
        case forward
        /// Resets it at once, as if nothing listened.
        case refuse
        /// Accepts it and sends nothing.
        case swallow
    }

    /// Receives a chunk from one side and the number of its connection, from 1; runs on the connection's thread.
    package typealias Observer = @Sendable (_ connection: Int, _ bytes: ArraySlice<UInt8>) -> Void

    private struct State {
        var mode = Mode.forward
        var sockets: [Int32] = []
        var connections = 0
    }

    /// The port of 127.0.0.1 that clients connect to.
    package let port: Int
    private let server: Int
    private let listener: Int32
    private let observe: Observer
    private let observeServer: Observer
    private let state = Mutex(State())
    private let pace = Pace()

    /// Starts a proxy on a free port.
    ///
    /// - Parameters:
    ///   - server: the port of the server.
    ///   - observe: called with each chunk of a client, before it is forwarded.
    ///   - observeServer: called with each chunk of the server, before it is forwarded.
    /// - Throws: ``PeerError`` when it cannot listen.
    package init(server: Int, observe: @escaping Observer = { _, _ in }, observeServer: @escaping Observer = { _, _ in }) throws {
        self.server = server
        self.observe = observe
        self.observeServer = observeServer
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw PeerError.system("socket") }
        self.listener = listener
        var address = sockaddr_in.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) != 0 || listen(listener, 64) != 0 || getsockname(listener, $0, &length) != 0
            }
        }
        guard !failed else { throw PeerError.system("listen") }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        OwnThread.start { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else {
                    close(client)
                    return
                }
                self.serve(client)
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        self.cut()
    }

    /// The number of connections so far, the refused ones included.
    package var connections: Int { self.state.withLock { $0.connections } }

    /// Sets the treatment of new connections; open ones stay.
    package func set(_ mode: Mode) {
        self.state.withLock { $0.mode = mode }
    }

    /// Delays each chunk in both directions, on open connections too; zero ends the delay.
    package func delay(by time: Duration) {
        self.pace.microseconds.store(UInt32(time / .microseconds(1)), ordering: .relaxed)
    }

    /// Drops everything from now on, on open connections too, and keeps them open, as a failed network does; cannot be
    /// undone.
    package func silence() {
        self.pace.isSilent.store(true, ordering: .relaxed)
    }

    /// Closes every connection.
    package func cut() {
        self.state.withLock { state in
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    private func serve(_ client: Int32) {
        let (mode, number) = self.state.withLock { state in
            state.connections += 1
            return (state.mode, state.connections)
        }
        switch mode {
        case .refuse:
            Self.reset(client)
            close(client)
        case .swallow: self.state.withLock { $0.sockets.append(client) }
        case .forward:
            guard let server = Self.connected(to: self.server) else {
                Self.reset(client)
                close(client)
                return
            }
            for socket in [client, server] {
                var one: Int32 = 1
                setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            }
            self.state.withLock { $0.sockets += [client, server] }
            // Closed when both directions have released them.
            let pair = Pair(client: client, server: server)
            let (observe, observeServer) = (self.observe, self.observeServer)
            let pace = self.pace
            OwnThread.start { [weak self] in
                Self.forward(from: pair.client, to: pair.server, pace) { observe(number, $0) }
                self?.forget(pair)
            }
            OwnThread.start { [weak self] in
                Self.forward(from: pair.server, to: pair.client, pace) { observeServer(number, $0) }
                self?.forget(pair)
            }
        }
    }

    private func forget(_ pair: Pair) {
        self.state.withLock { $0.sockets.removeAll { $0 == pair.client || $0 == pair.server } }
    }

    private static func connected(to port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in.loopback(port: port)
        let failure = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if failure == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    /// Resets the connection, so that the peer sees an error instead of an end of stream.
    private static func reset(_ socket: Int32) {
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        connect(socket, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Whether the connection was reset, in either direction.
    ///
    /// The kernel reports the error to one call only, which may be that of the other direction's thread.
    private static func wasReset(_ socket: Int32) -> Bool {
        // The first byte of the kernel's `tcp_info` is the state; 7 is TCP_CLOSE.
        var state: UInt8 = 0
        var length = socklen_t(1)
        return getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &state, &length) == 0 && state == 7
    }

    /// Ends both directions when one ends, and forwards a reset as a reset.
    private static func forward(from source: Int32, to target: Int32, _ pace: Pace, _ look: (ArraySlice<UInt8>) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        loop: while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else {
                if (count < 0 && errno == ECONNRESET) || Self.wasReset(source) { Self.reset(target) }
                break
            }
            look(buffer[..<count])
            pace.wait()
            if pace.isSilent.load(ordering: .relaxed) { continue }
            var start = 0
            while start < count {
                let written = buffer[start..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else {
                    if Self.wasReset(target) { Self.reset(source) }
                    break loop
                }
                start += written
            }
        }
        shutdown(target, Int32(SHUT_RDWR))
        shutdown(source, Int32(SHUT_RDWR))
    }

    /// The delay and the silence of the forwarded chunks.
    private final class Pace: Sendable {
        let microseconds = Atomic<UInt32>(0)
        let isSilent = Atomic<Bool>(false)

        /// Waits for the delay, on the thread of one direction.
        func wait() {
            let time = self.microseconds.load(ordering: .relaxed)
            if time > 0 { usleep(time) }
        }
    }

    /// The two sockets of one connection, closed with the last reference.
    private final class Pair: Sendable {
        let client: Int32
        let server: Int32

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        deinit {
            close(self.client)
            close(self.server)
        }
    }
}
