import BridgeTesting
import Glibc

/// A blocking TCP connection to loopback whose every call ends in bounded time, because an attacker is often left waiting.
///
/// For threads of their own only, one at a time. Closed with the last reference.
final class AttackSocket: Sendable {
    private let descriptor: Int32

    /// - Parameters:
    ///   - host: the last part of the address 127.0.0.HOST that the connection comes from.
    ///   - receiveBuffer: bytes that the kernel accepts without a reader.
    ///   - patience: how long a call waits for the peer.
    init(port: Int, host: UInt8 = 1, receiveBuffer: Int32? = nil, patience: Duration = .seconds(2)) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw PeerError.system("socket") }
        self.setTimeouts(patience)
        self.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        if let receiveBuffer { self.set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        if host != 1 {
            let failure = Self.with(host: host, port: 0) { bind(self.descriptor, $0, $1) }
            guard failure == 0 else { throw PeerError.system("bind to 127.0.0.\(host)") }
        }
        let failure = Self.with(host: 1, port: port) { connect(self.descriptor, $0, $1) }
        guard failure == 0 else { throw PeerError.system("connect to 127.0.0.1:\(port)") }
    }

    /// Takes over a connection that a listener has accepted.
    init(accepted descriptor: Int32, patience: Duration = .seconds(2)) {
        self.descriptor = descriptor
        self.setTimeouts(patience)
        self.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    deinit {
        close(self.descriptor)
    }

    /// Writes all of it.
    ///
    /// - Returns: false when the peer has closed the connection, or takes no more within the patience.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let count = Glibc.send(self.descriptor, bytes.baseAddress! + start, bytes.count - start, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                start += count
            }
            return true
        }
    }

    /// See ``send(_:)-([UInt8])``.
    @discardableResult
    func send(_ text: String) -> Bool { self.send(Array(text.utf8)) }

    /// Receives until a condition holds, the peer ends the connection or the patience is over.
    ///
    /// - Returns: everything received.
    func receive(upTo limit: Int = 1 << 24, until isDone: ([UInt8]) -> Bool = { _ in false }) -> [UInt8] {
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while received.count < limit, !isDone(received) {
            let count = recv(self.descriptor, &piece, piece.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            received += piece[..<count]
        }
        return received
    }

    /// Reads one HTTP/1.1 answer whose length is announced or ends with the connection.
    ///
    /// - Returns: `nil` when none came.
    func answer() -> (status: Int, head: String, body: String)? {
        let bytes = self.receive { bytes in
            guard let head = Self.head(of: bytes) else { return false }
            guard let length = Self.field("content-length", of: head).flatMap({ Int($0) }) else {
                return head.hasPrefix("HTTP/1.1 204") || head.hasPrefix("HTTP/1.1 304")
            }
            return bytes.count >= head.utf8.count + 4 + length
        }
        guard let head = Self.head(of: bytes), let status = Int(head.dropFirst(9).prefix(3)) else { return nil }
        return (status, head, String(decoding: bytes.dropFirst(head.utf8.count + 4), as: UTF8.self))
    }

    /// Whether the peer ends the connection within the patience, or within ten seconds in which it sends; what it sends is dropped.
    func isClosedByPeer() -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        var piece = [UInt8](repeating: 0, count: 65_536)
        while ContinuousClock.now < deadline {
            let count = recv(self.descriptor, &piece, piece.count, 0)
            if count == 0 { return true }
            if count < 0 {
                if errno == EINTR { continue }
                return errno != EAGAIN
            }
        }
        return false
    }

    /// Ends both directions from any thread; calls that wait return.
    func shutDown() {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }

    /// Ends this side's direction only.
    func finishSending() {
        shutdown(self.descriptor, Int32(SHUT_WR))
    }

    /// Has the peer see a reset when this is closed.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// The value of a header field by its name in lower case.
    static func field(_ name: String, of head: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }

    private static func head(of bytes: [UInt8]) -> String? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 {
            if bytes[index + 3] == 10 { return String(decoding: bytes[..<index], as: UTF8.self) }
        }
        return nil
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(self.descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func setTimeouts(_ patience: Duration) {
        let (seconds, attoseconds) = patience.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(self.descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func with(host: UInt8, port: Int, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = (0x7f00_0000 | UInt32(host)).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
