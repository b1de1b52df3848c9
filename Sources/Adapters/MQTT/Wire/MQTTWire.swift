import BridgeCore
import Glibc
import PollThread

/// The network connection to a broker, with libmosquitto behind a socket pair.
///
/// libmosquitto makes the TCP connection; then its descriptor is replaced by one end of a pair, and the connection itself stays here. So
/// everything that comes is checked by ``MQTTPacketValidator`` before the library reads it, with TLS too, which is spoken here; and everything that
/// goes out is sorted by ``MQTTOutgoingPackets``. Confined to the thread that made it; nothing blocks.
final class MQTTWire {
    /// What ``supply()`` has done.
    enum Supply {
        /// The library has bytes to read.
        case bytes
        /// A message was left out; the library has read everything before it.
        case omission(MQTTOmission)
        /// Nothing more has come.
        case nothing
    }

    /// How many bytes are read at once.
    private static let piece = 32 << 10

    /// The TCP connection.
    let network: Int32
    private let inner: Int32
    private let peer: String
    private var secure: MQTTSecureChannel?
    private var validator: MQTTPacketValidator
    private var violation: MQTTViolation?
    private var omission: MQTTOmission?
    private var outgoing = MQTTOutgoingPackets()
    /// Records that the network has not taken yet.
    private var records: [UInt8] = []
    private(set) var keepAlive = MQTTKeepAlive(interval: .zero, now: .now)

    /// What has come and is not checked, from ``start`` to ``filled``.
    private var incoming = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * MQTTWire.piece, alignment: 1)
    private var start = 0
    private var filled = 0
    /// How many bytes must be there before the validator can say more.
    private var awaited = 0
    /// What is checked, for the library.
    private var forward: [UInt8] = []
    private var forwarded = 0
    /// Whether the last read has left room, so that nothing more was there.
    private var wasShort = false
    /// What it is not told of the messages.
    private let deliveries: MQTTDeliveries
    /// What libmosquitto or the network is read into.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: MQTTWire.piece, alignment: 1)

    /// Takes the place of a library's descriptor.
    ///
    /// - Parameter descriptor: a TCP socket that connects or is connected; afterwards it is one end of a pair.
    /// - Throws: ``ComponentError`` when the process has no descriptor left.
    init(
        replacing descriptor: Int32, validator: MQTTPacketValidator, deliveries: MQTTDeliveries, peer: String
    ) throws {
        self.deliveries = deliveries
        self.validator = validator
        self.peer = peer
        let network = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        var pair: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let isMade = withUnsafeMutableBytes(of: &pair) {
            socketpair(AF_UNIX, type, 0, $0.bindMemory(to: Int32.self).baseAddress!) == 0
        }
        guard network >= 0, isMade, dup2(pair.1, descriptor) >= 0 else {
            let reason = String(cString: strerror(errno))
            for one in [network, pair.0, pair.1] where one >= 0 { close(one) }
            self.network = -1
            self.inner = -1
            throw ComponentError(.inputOutput, "no descriptor for the connection to \(peer): \(reason)")
        }
        close(pair.1)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.network = network
        self.inner = pair.0
        var one: Int32 = 1
        setsockopt(network, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        for descriptor in [self.network, self.inner] where descriptor >= 0 { close(descriptor) }
        self.incoming.deallocate()
        self.scratch.deallocate()
    }

    // MARK: Connecting

    /// Why the TCP connection could not be made, once the descriptor is ready; 0 when it is.
    var connectFailure: Int32 {
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(self.network, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 else { return errno }
        return failure
    }

    /// Speaks TLS from now on; see ``handshake()``.
    func secure(_ channel: MQTTSecureChannel) { self.secure = channel }

    /// Goes on with the handshake of TLS, if there is one.
    ///
    /// - Returns: whether it is done.
    /// - Throws: ``ComponentError``.
    func handshake() throws -> Bool {
        guard let secure else { return true }
        while true {
            // What is wrong is said to the broker too, if there is a way.
            defer { try? self.flush() }
            if try secure.handshake() { return true }
            var count: Int?
            do {
                count = try self.receive(self.scratch)
            } catch is ComponentError {
                count = nil
            }
            guard let count else {
                throw ComponentError(
                    .connectionRefused, "no TLS with \(self.peer): it ended the connection, as a port for mqtt:// does"
                )
            }
            guard count > 0 else { return false }
            secure.receive(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]))
        }
    }

    /// What to wait for while connecting.
    var interest: PollThread.Readiness { self.isFlushed ? .readable : [.readable, .writable] }

    /// Pings from now on; see ``MQTTKeepAlive``.
    func begin(keepAlive interval: Duration) {
        self.keepAlive = MQTTKeepAlive(interval: interval, now: .now)
    }

    // MARK: From the broker

    /// Lets the library have what comes next, once it has read all that it had.
    ///
    /// - Throws: ``ComponentError`` when the connection has ended or the broker sent what is not MQTT.
    func supply() throws -> Supply {
        while true {
            if self.forwarded < self.forward.count {
                try self.pass()
                return .bytes
            }
            if let omission {
                self.omission = nil
                return .omission(omission)
            }
            if let violation {
                throw ComponentError(.protocolViolation, "\(self.peer) sent what MQTT does not allow: \(violation)")
            }
            if self.filled > self.start, self.filled - self.start >= self.awaited {
                self.check()
                continue
            }
            guard try self.fill() else { return .nothing }
        }
    }

    private func pass() throws {
        let count = self.forward.withUnsafeBytes {
            Glibc.write(self.inner, $0.baseAddress! + self.forwarded, $0.count - self.forwarded)
        }
        guard count > 0 else { throw ComponentError(.connectionLost, "the connection to \(self.peer) was lost") }
        self.forwarded += count
        guard self.forwarded == self.forward.count else { return }
        self.forwarded = 0
        self.forward.removeAll(keepingCapacity: self.forward.capacity <= 4 * Self.piece)
    }

    /// Has the validator look at what has come, up to a message that is left out.
    private func check() {
        do {
            while self.start < self.filled, self.omission == nil {
                let rest = UnsafeRawBufferPointer(rebasing: self.incoming[self.start..<self.filled])
                switch try self.validator.next(rest) {
                case .wait(until: let count):
                    self.awaited = count
                    return
                case .pass(let count):
                    self.forward += UnsafeRawBufferPointer(rebasing: rest[..<count])
                    self.start += count
                case .message(let head):
                    self.forward(head, rest)
                    self.start += head.end
                case .drop(let count, let omission):
                    // What is before it goes to the library first.
                    self.omission = omission
                    if let identifier = omission?.identifier { self.outgoing.hold(acknowledgementOf: identifier) }
                    self.start += count
                }
                self.awaited = 0
            }
        } catch {
            self.violation = error
        }
    }

    private func forward(_ head: MQTTMessageHead, _ bytes: UnsafeRawBufferPointer) {
        head.append(bytes, to: &self.forward)
        if let identifier = head.identifier { self.outgoing.hold(acknowledgementOf: identifier) }
        self.deliveries.append(
            MQTTDeliveries.Delivery(identifier: UInt16(head.identifier ?? 0), isDuplicate: bytes[0] & 8 != 0)
        )
    }

    /// Reads what has come.
    ///
    /// - Returns: false when nothing has.
    /// - Throws: ``ComponentError`` when the connection has ended.
    private func fill() throws -> Bool {
        self.makeRoom()
        let room = UnsafeMutableRawBufferPointer(rebasing: self.incoming[self.filled...])
        // The last read has taken everything, and polling tells of more.
        if self.secure == nil, self.wasShort {
            self.wasShort = false
            return false
        }
        guard let count = try self.secure == nil ? self.receive(room) : self.receiveSecurely(room) else {
            throw ComponentError(.connectionLost, "\(self.peer) closed the connection")
        }
        self.filled += count
        return count > 0
    }

    private func makeRoom() {
        let rest = self.filled - self.start
        if self.start > 0 {
            if rest > 0 { memmove(self.incoming.baseAddress!, self.incoming.baseAddress! + self.start, rest) }
            self.filled = rest
            self.start = 0
        }
        // A packet's head has bounds, so this does too.
        let wanted = max(2 * Self.piece, max(rest, self.awaited) + Self.piece)
        guard wanted > self.incoming.count || (rest == 0 && self.incoming.count > 2 * Self.piece) else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.incoming[..<rest]))
        self.incoming.deallocate()
        self.incoming = larger
    }

    private func receiveSecurely(_ room: UnsafeMutableRawBufferPointer) throws -> Int? {
        guard let secure else { return nil }
        while true {
            guard let count = try secure.read(room) else { return nil }
            if count > 0 { return count }
            guard let records = try self.receive(self.scratch) else { return nil }
            guard records > 0 else { return 0 }
            secure.receive(UnsafeRawBufferPointer(rebasing: self.scratch[..<records]))
        }
    }

    /// - Returns: 0 when nothing has come, `nil` when the broker has ended the connection.
    private func receive(_ room: UnsafeMutableRawBufferPointer) throws -> Int? {
        let count = recv(self.network, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            self.wasShort = count < room.count
            self.keepAlive.received(at: .now)
            return count
        }
        self.wasShort = false
        if count == 0 { return nil }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw self.lost(errno)
    }

    // MARK: To the broker

    /// Whether everything that may be sent has been taken by the network.
    var isFlushed: Bool { self.outgoing.isEmpty && self.records.isEmpty && self.secure?.hasRecords != true }

    /// Takes what the library has written.
    func pull() {
        while true {
            let count = Glibc.read(self.inner, self.scratch.baseAddress, self.scratch.count)
            guard count > 0 else { return }
            self.outgoing.write(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]))
            if count < self.scratch.count { return }
        }
    }

    /// Lets the acknowledgements of the first so many messages go.
    func releaseAcknowledgements(_ count: Int) { self.outgoing.release(count) }

    /// Writes what may be sent, as far as the network takes it.
    ///
    /// - Throws: ``ComponentError`` when the connection is lost.
    func flush() throws {
        var failure: Int32 = 0
        var hasSent = false
        if let secure {
            while failure == 0 {
                if self.records.isEmpty {
                    if !secure.hasRecords {
                        guard !self.outgoing.isEmpty else { break }
                        try self.encrypt(secure)
                    }
                    let count = secure.takeRecords(self.scratch)
                    self.records += self.scratch[..<count]
                }
                let count = self.records.withUnsafeBytes { self.send($0, &failure) }
                self.records.removeFirst(count)
                hasSent = hasSent || count > 0
            }
        } else {
            while failure == 0, !self.outgoing.isEmpty {
                self.outgoing.send { bytes in
                    let count = self.send(bytes, &failure)
                    hasSent = hasSent || count > 0
                    return count
                }
            }
        }
        if hasSent { self.keepAlive.sent(at: .now, isAll: self.isFlushed) }
        guard failure == 0 || failure == EAGAIN || failure == EINTR else { throw self.lost(failure) }
    }

    private func encrypt(_ secure: MQTTSecureChannel) throws {
        var failure: (any Error)?
        self.outgoing.send { bytes in
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

    private func send(_ bytes: UnsafeRawBufferPointer, _ failure: inout Int32) -> Int {
        let count = Glibc.send(self.network, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if count < 0 { failure = errno }
        return max(0, count)
    }

    private func lost(_ failure: Int32) -> ComponentError {
        ComponentError(.connectionLost, "the connection to \(self.peer) was lost: \(String(cString: strerror(failure)))")
    }

    // MARK: Keeping alive, and the end

    /// Queues a ping when one is due.
    ///
    /// - Throws: ``ComponentError`` when the broker has given no sign of life in time.
    func keepAliveTick(reads: Bool) throws {
        switch self.keepAlive.act(at: .now, reads: reads) {
        case .none: return
        case .ping:
            self.outgoing.ping()
            try self.flush()
        case .giveUp:
            // This program may have been stopped meanwhile, and the answer be here.
            var descriptor = pollfd(fd: self.network, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 0) == 0 else { return }
            throw ComponentError(.connectionLost, "\(self.peer) did not answer within the keep-alive time")
        }
    }

    /// Says that nothing more will be written.
    func endWriting() { shutdown(self.network, Int32(SHUT_WR)) }

    /// Reads what still comes, and forgets it.
    ///
    /// - Returns: false when the broker has closed its side.
    func discard() -> Bool {
        let count = recv(self.network, self.scratch.baseAddress, self.scratch.count, Int32(MSG_DONTWAIT))
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }
}
