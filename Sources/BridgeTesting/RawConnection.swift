import Glibc

/// A TCP connection to loopback that sends and receives exactly the bytes of a test, without blocking a thread.
///
/// For one task at a time; every wait ends after about thirty seconds. Closes when it is released.
package final class RawConnection {
    private let descriptor: Int32
    /// The received bytes that no call has taken yet.
    package private(set) var received: [UInt8] = []
    private var waits = 0

    /// Connects to 127.0.0.1.
    ///
    /// - Parameters:
    ///   - receiveBuffer: the kernel's receive buffer in bytes; a small one makes a slow reader.
    ///   - source: the local address in dotted notation; `nil` lets the system choose.
    /// - Throws: ``PeerError`` when the connection fails.
    package init(port: Int, receiveBuffer: Int32? = nil, from source: String? = nil) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var noDelay: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        if let source {
            address.sin_addr.s_addr = inet_addr(source)
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard bound == 0 else { throw PeerError("cannot connect from \(source): errno \(errno)") }
        }
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw PeerError("nothing listens on port \(port): errno \(errno)") }
        _ = fcntl(self.descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit {
        Glibc.close(self.descriptor)
    }

    /// Sends the complete text in UTF-8; see ``send(_:)-([UInt8])``.
    package func send(_ text: String) async throws {
        try await self.send(Array(text.utf8))
    }

    /// Sends all bytes.
    ///
    /// - Throws: ``PeerError`` when the connection is lost, and when the peer does not read.
    package func send(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN {
                try await self.wait("the peer takes no more bytes")
                continue
            }
            guard count > 0 else { throw PeerError("the peer takes no more bytes: errno \(errno)") }
            self.waits = 0
            rest = rest.dropFirst(count)
        }
    }

    /// Receives until `mark` arrives, and takes and returns everything through its end.
    ///
    /// - Throws: ``PeerError`` when the connection ends or no more data arrives.
    package func receive(through mark: String) async throws -> String {
        var searched = 0
        while true {
            if let end = self.firstEnd(of: Array(mark.utf8), from: searched) {
                let text = String(decoding: self.received[..<end], as: UTF8.self)
                self.received.removeFirst(end)
                return text
            }
            searched = max(0, self.received.count - mark.utf8.count)
            guard try await self.receiveMore() else {
                throw PeerError(
                    "the connection ended before '\(mark)' came, after '\(String(decoding: self.received, as: UTF8.self))'")
            }
        }
    }

    /// Takes exactly `count` bytes, waiting for them.
    ///
    /// - Throws: ``PeerError`` when the connection ends or no more data arrives.
    package func receive(count: Int) async throws -> String {
        while self.received.count < count {
            guard try await self.receiveMore() else {
                throw PeerError("the connection ended before \(count) bytes came")
            }
        }
        let text = String(decoding: self.received[..<count], as: UTF8.self)
        self.received.removeFirst(count)
        return text
    }

    /// Receives until the peer ends the connection, and takes and returns everything.
    ///
    /// A reset counts as an end.
    ///
    /// - Throws: ``PeerError`` when the peer keeps the connection open without sending.
    package func receiveToEnd() async throws -> String {
        while try await self.receiveMore() {}
        defer { self.received = [] }
        return String(decoding: self.received, as: UTF8.self)
    }

    /// Shuts down the sending direction.
    package func finishSending() {
        shutdown(self.descriptor, Int32(SHUT_WR))
    }

    /// Prepares a reset instead of an orderly end, and stops receiving; the reset is sent when the connection is
    /// released.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        shutdown(self.descriptor, Int32(SHUT_RD))
    }

    private func receiveMore() async throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(self.descriptor, &bytes, bytes.count, 0)
            if count > 0 {
                self.waits = 0
                self.received.append(contentsOf: bytes[..<count])
                return true
            }
            if count == 0 || errno == ECONNRESET { return false }
            guard errno == EAGAIN else { throw PeerError("receiving: errno \(errno)") }
            try await self.wait("nothing more came after '\(String(decoding: self.received.suffix(500), as: UTF8.self))'")
        }
    }

    /// Yields the thread: first at once, then for a millisecond at a time.
    private func wait(_ complaint: @autoclosure () -> String) async throws {
        self.waits += 1
        if self.waits < 20 {
            await Task.yield()
        } else if self.waits < 30_000 {
            try await Task.sleep(for: .milliseconds(1))
        } else {
            throw PeerError(complaint())
        }
    }

    private func firstEnd(of mark: [UInt8], from start: Int) -> Int? {
        self.received.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var index = start
            while bytes.count - index >= mark.count {
                // A comparison byte by byte is too slow without optimisation.
                guard let place = memchr(base + index, Int32(mark[0]), bytes.count - index - mark.count + 1) else { return nil }
                index = UnsafeRawPointer(place) - base
                if memcmp(place, mark, mark.count) == 0 { return index + mark.count }
                index += 1
            }
            return nil
        }
    }
}
