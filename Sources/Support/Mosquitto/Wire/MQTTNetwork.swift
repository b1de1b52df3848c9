import Glibc

/// The TCP connection to a broker, with TLS over it where that is wanted.
///
/// Confined to the thread that made it; nothing blocks.
final class MQTTNetwork {
    /// How many bytes one call moves.
    static let piece = 32 << 10

    let descriptor: Int32
    private let peer: String
    private var secure: MQTTSecureChannel?
    /// Records of TLS that the network has not taken yet.
    private var records: [UInt8] = []
    /// Whether the broker has closed or reset the connection.
    private(set) var isClosedByPeer = false
    /// Whether bytes have arrived since ``takeActivity()``.
    private var isActive = false
    /// Whether the last read left room, so that no more data was available.
    private var wasShort = false
    /// The buffer for received records.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: MQTTNetwork.piece, alignment: 1)

    /// - Parameter descriptor: a TCP socket that connects or is connected; owned from here on.
    init(_ descriptor: Int32, peer: String) {
        self.descriptor = descriptor
        self.peer = peer
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        close(self.descriptor)
        self.scratch.deallocate()
    }

    // MARK: Connecting

    /// Why the TCP connection could not be made, once the descriptor is ready; 0 when it is.
    var connectFailure: Int32 {
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 else { return errno }
        return failure
    }

    /// Uses TLS from now on; see ``handshake()``.
    func secure(_ channel: MQTTSecureChannel) { self.secure = channel }

    /// Continues the TLS handshake, if there is one.
    ///
    /// - Returns: whether it is done.
    /// - Throws: ``MosquittoError``.
    func handshake() throws -> Bool {
        guard let secure else { return true }
        while true {
            // The broker gets the TLS alert too, if possible.
            defer { _ = try? self.sendRecords(secure) }
            if try secure.handshake() { return true }
            var count: Int?
            do {
                count = try self.read(self.scratch)
            } catch is MosquittoError {
                count = nil
            }
            guard let count else {
                throw MosquittoError(
                    .unreachable,
                    "TLS with \(self.peer) failed: it closed the connection, as a port for mqtt:// does; write mqtt:// or another port"
                )
            }
            guard count > 0 else { return false }
            try secure.receive(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]))
        }
    }

    // MARK: Receiving

    /// Whether bytes have arrived since the last call, including records without content.
    func takeActivity() -> Bool {
        defer { self.isActive = false }
        return self.isActive
    }

    /// Reads plain bytes.
    ///
    /// - Returns: 0 when no data is available.
    /// - Throws: ``MosquittoError`` when the connection has ended.
    func receive(_ room: UnsafeMutableRawBufferPointer) throws -> Int {
        // The last read has taken everything, and polling reports more.
        if self.secure == nil, self.wasShort {
            self.wasShort = false
            return 0
        }
        guard let count = try self.secure == nil ? self.read(room) : self.readSecurely(room) else {
            self.isClosedByPeer = true
            throw MosquittoError(.lost, "\(self.peer) closed the connection")
        }
        return count
    }

    private func readSecurely(_ room: UnsafeMutableRawBufferPointer) throws -> Int? {
        guard let secure else { return nil }
        while true {
            guard let count = try secure.read(room) else { return nil }
            if count > 0 { return count }
            guard let records = try self.read(self.scratch) else { return nil }
            guard records > 0 else { return 0 }
            try secure.receive(UnsafeRawBufferPointer(rebasing: self.scratch[..<records]))
        }
    }

    /// - Returns: 0 when no data is available, `nil` when the broker has closed the connection.
    private func read(_ room: UnsafeMutableRawBufferPointer) throws -> Int? {
        let count = recv(self.descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            self.wasShort = count < room.count
            self.isActive = true
            return count
        }
        self.wasShort = false
        if count == 0 { return nil }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw self.lost(errno)
    }

    /// Whether received bytes are unread.
    var hasPending: Bool {
        var descriptor = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    // MARK: Sending

    /// Whether the network has taken everything that it was given.
    var isFlushed: Bool { self.records.isEmpty && self.secure?.hasRecords != true }

    /// Sends packets as far as the network takes them.
    ///
    /// - Returns: whether it has taken any bytes.
    /// - Throws: ``MosquittoError`` when the connection is lost.
    func send(_ packets: inout MQTTOutgoingPackets) throws -> Bool {
        var hasSent = false
        if let secure {
            while try self.sendRecords(secure, &hasSent), !packets.isEmpty { try self.encrypt(&packets, secure) }
            return hasSent
        }
        var failure: Int32 = 0
        while failure == 0, !packets.isEmpty {
            packets.send { bytes in
                let count = self.write(bytes, &failure)
                hasSent = hasSent || count > 0
                return count
            }
        }
        try self.require(failure)
        return hasSent
    }

    private func sendRecords(_ secure: MQTTSecureChannel) throws -> Bool {
        var hasSent = false
        return try self.sendRecords(secure, &hasSent)
    }

    /// - Returns: whether all of them were taken.
    private func sendRecords(_ secure: MQTTSecureChannel, _ hasSent: inout Bool) throws -> Bool {
        var failure: Int32 = 0
        while failure == 0 {
            if self.records.isEmpty {
                guard secure.hasRecords else { return true }
                let count = secure.takeRecords(self.scratch)
                self.records += self.scratch[..<count]
            }
            let count = self.records.withUnsafeBytes { self.write($0, &failure) }
            self.records.removeFirst(count)
            hasSent = hasSent || count > 0
        }
        try self.require(failure)
        return false
    }

    private func encrypt(_ packets: inout MQTTOutgoingPackets, _ secure: MQTTSecureChannel) throws {
        var failure: (any Error)?
        packets.send { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.piece))
            do {
                try secure.write(piece)
                return piece.count
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, _ failure: inout Int32) -> Int {
        let count = Glibc.send(self.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if count < 0 { failure = errno }
        return max(0, count)
    }

    /// Throws for an error number that ends the connection.
    private func require(_ failure: Int32) throws {
        guard failure == 0 || failure == EAGAIN || failure == EINTR else { throw self.lost(failure) }
    }

    private func lost(_ failure: Int32) -> MosquittoError {
        if failure == ECONNRESET || failure == EPIPE { self.isClosedByPeer = true }
        return MosquittoError(.lost, "the connection to \(self.peer) was lost: \(String(cString: strerror(failure)))")
    }

    // MARK: The end

    /// Shuts down the sending side.
    func endWriting() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Reads the remaining data, and drops it.
    ///
    /// - Returns: false when the broker has closed its side.
    func discard() -> Bool {
        let count = recv(self.descriptor, self.scratch.baseAddress, self.scratch.count, Int32(MSG_DONTWAIT))
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }
}
