import Glibc

/// A blocking TCP connection to loopback, for use on separate threads only.
///
/// Closes with its last reference. ``shutDown()`` from another thread ends a blocked call.
package final class BlockingSocket: Sendable {
    private let descriptor: Int32

    /// Connects to a port of 127.0.0.1, with `TCP_NODELAY`.
    ///
    /// - Throws: ``PeerError`` when the connection fails.
    package init(port: Int) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw PeerError.system("socket") }
        var address = sockaddr_in.loopback(port: port)
        let failure = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // On a throw, deinit closes the descriptor.
        guard failure == 0 else { throw PeerError.system("connect to 127.0.0.1:\(port)") }
        var one: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        close(self.descriptor)
    }

    /// Shuts down both directions; a blocked read returns.
    package func shutDown() {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }

    /// Limits the kernel's receive buffer, so that a slow reader blocks its peer early.
    ///
    /// - Parameter bytes: the size; the kernel doubles it and raises it to its minimum.
    package func limitReceiveBuffer(to bytes: Int32) {
        var bytes = bytes
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Writes all bytes.
    ///
    /// - Throws: ``PeerError`` when the connection is lost.
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try self.write($0) }
    }

    /// Writes all bytes; see ``write(_:)-([UInt8])``.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        var start = 0
        while start < bytes.count {
            let count = send(self.descriptor, bytes.baseAddress! + start, bytes.count - start, Int32(MSG_NOSIGNAL))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PeerError.system("send") }
            start += count
        }
    }

    /// Appends the received bytes; waits for at least one.
    ///
    /// - Parameter timeout: `nil` waits without limit.
    /// - Returns: the number of bytes; 0 once the peer has closed.
    /// - Throws: ``PeerError`` on a failure, and when nothing arrives within the time-out.
    package func read(into bytes: inout [UInt8], timeout: Duration? = nil) throws -> Int {
        if let timeout {
            var poll = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
            let count = Glibc.poll(&poll, 1, Int32(milliseconds))
            guard count != 0 else { throw PeerError("the peer has not answered within \(timeout)") }
        }
        return try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { chunk in
            while true {
                let count = recv(self.descriptor, chunk.baseAddress, chunk.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw PeerError.system("recv") }
                bytes += chunk[..<count]
                return count
            }
        }
    }

    /// Writes a request and returns the first bytes of the answer; empty when the peer closes first.
    ///
    /// - Throws: ``PeerError`` on a failure, and when nothing arrives within the time-out.
    package func exchange(_ bytes: [UInt8], timeout: Duration) throws -> [UInt8] {
        try self.write(bytes)
        var answer: [UInt8] = []
        _ = try self.read(into: &answer, timeout: timeout)
        return answer
    }
}
