import Glibc
import PollThread

/// Connects libmosquitto with the network through a socket pair in place of the library's connection.
///
/// libmosquitto makes the TCP connection; then its descriptor is replaced by one end of a pair, and the connection
/// itself stays here (``MQTTNetwork``). So all received data is validated before the library reads it (``MQTTIntake``),
/// with TLS too, and all outgoing packets are ordered (``MQTTOutgoingPackets``). Confined to the thread that created
/// it; nothing blocks.
final class MQTTWire {
    /// The result of ``supply()``.
    enum Supply {
        /// The library has bytes to read.
        case bytes
        /// A message was skipped; the library has read everything before it.
        case omission(MQTTOmission)
        /// No more data has arrived.
        case nothing
    }

    private let network: MQTTNetwork
    private let intake: MQTTIntake
    private var outgoing = MQTTOutgoingPackets()
    /// The end of the pair that is ours.
    private let inner: Int32
    private let peer: String
    private(set) var keepAlive = MQTTKeepAlive(interval: .zero, now: .now)
    private var stall: MQTTStallDetector
    /// The buffer for the library's output.
    private let scratch: UnsafeMutableRawBufferPointer

    /// Replaces the descriptor of the library.
    ///
    /// - Parameters:
    ///   - descriptor: a TCP socket that connects or is connected; afterwards it is one end of a pair.
    ///   - stallLimit: how long the broker may accept no bytes while some are pending.
    /// - Throws: ``MosquittoError`` when the process has no descriptor left.
    init(
        replacing descriptor: Int32, validator: MQTTPacketValidator, deliveries: MQTTDeliveries, peer: String,
        stallLimit: Duration = MQTTStallDetector.limit
    ) throws {
        let connection = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        var pair: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let isMade = withUnsafeMutableBytes(of: &pair) {
            socketpair(AF_UNIX, type, 0, $0.bindMemory(to: Int32.self).baseAddress!) == 0
        }
        guard connection >= 0, isMade, dup2(pair.1, descriptor) >= 0 else {
            let reason = String(cString: strerror(errno))
            for one in [connection, pair.0, pair.1] where one >= 0 { close(one) }
            throw MosquittoError(.resources, "no descriptor for the connection to \(peer): \(reason)")
        }
        close(pair.1)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.network = MQTTNetwork(connection, peer: peer)
        self.intake = MQTTIntake(validator: validator, deliveries: deliveries)
        self.inner = pair.0
        self.peer = peer
        self.stall = MQTTStallDetector(limit: stallLimit)
        self.scratch = .allocate(byteCount: MQTTNetwork.piece, alignment: 1)
    }

    deinit {
        close(self.inner)
        self.scratch.deallocate()
    }

    /// The TCP connection, to wait for.
    var descriptor: Int32 { self.network.descriptor }

    // MARK: Connecting

    /// See ``MQTTNetwork/connectFailure``.
    var connectFailure: Int32 { self.network.connectFailure }

    /// Uses TLS from now on; see ``handshake()``.
    func secure(_ channel: MQTTSecureChannel) { self.network.secure(channel) }

    /// See ``MQTTNetwork/handshake()``.
    func handshake() throws -> Bool { try self.network.handshake() }

    /// The readiness to wait for while connecting.
    var interest: PollThread.Readiness { self.isFlushed ? .readable : [.readable, .writable] }

    /// Pings from now on; see ``MQTTKeepAlive``.
    func begin(keepAlive interval: Duration) {
        self.keepAlive = MQTTKeepAlive(interval: interval, now: .now)
    }

    // MARK: From the broker

    /// Whether the broker has closed or reset the connection.
    var isClosedByPeer: Bool { self.network.isClosedByPeer }
    /// See ``MQTTPacketValidator/assignedClientID``.
    var assignedClientID: String? { self.intake.validator.assignedClientID }
    /// See ``MQTTPacketValidator/serverReference``.
    var serverReference: String? { self.intake.validator.serverReference }

    /// Gives the library the next data, once it has read everything before.
    ///
    /// - Throws: ``MosquittoError`` when the connection has ended or the broker sent what is not MQTT.
    func supply() throws -> Supply {
        while true {
            switch self.intake.next(&self.outgoing) {
            case .bytes:
                try self.forward()
                return .bytes
            case .omission(let omission): return .omission(omission)
            case .violation(let violation):
                let remedy = violation.remedy.map { "; \($0)" } ?? ""
                throw MosquittoError(.violation, "\(self.peer) violated the MQTT protocol: \(violation)\(remedy)")
            case .nothing:
                let count = try self.network.receive(self.intake.room())
                if self.network.takeActivity() { self.keepAlive.received(at: .now) }
                guard count > 0 else { return .nothing }
                self.intake.fill(count)
            }
        }
    }

    private func forward() throws {
        var isTaken = true
        self.intake.forward { bytes in
            let count = write(self.inner, bytes.baseAddress, bytes.count)
            isTaken = count > 0
            return max(0, count)
        }
        guard isTaken else { throw MosquittoError(.lost, "the connection to \(self.peer) was lost") }
    }

    // MARK: To the broker

    /// Whether everything that may be sent has been taken by the network.
    var isFlushed: Bool { self.outgoing.isEmpty && self.network.isFlushed }

    /// How many bytes are unsent, without those already encrypted.
    var unsentCount: Int { self.outgoing.count }

    /// When a connection that accepts no bytes is dropped; `nil` while none are pending.
    var stallDeadline: ContinuousClock.Instant? { self.stall.deadline }

    /// Reads the library's output.
    func pull() {
        while true {
            let count = read(self.inner, self.scratch.baseAddress, self.scratch.count)
            guard count > 0 else { return }
            self.outgoing.write(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]))
            if count < self.scratch.count { return }
        }
    }

    /// Releases the PUBACKs of the oldest messages.
    func releasePubacks(_ count: Int) { self.outgoing.releasePubacks(count) }

    /// Writes sendable packets, as far as the network takes them.
    ///
    /// - Throws: ``MosquittoError`` when the connection is lost.
    func flush() throws {
        let hasSent = try self.network.send(&self.outgoing)
        let isFlushed = self.isFlushed
        if hasSent { self.keepAlive.sent(at: .now, isAll: isFlushed) }
        self.stall.flushed(isAll: isFlushed, hasSent: hasSent, now: .now)
    }

    // MARK: Keeping alive, and the end

    /// Queues a ping when one is due.
    ///
    /// - Throws: ``MosquittoError`` when the broker has given no sign of life in time, or accepts no bytes.
    func keepAliveTick(reads: Bool) throws {
        if self.stall.isStalled(now: .now) {
            throw MosquittoError(.lost, "\(self.peer) accepted no data for \(self.stall.limit)")
        }
        switch self.keepAlive.act(at: .now, reads: reads) {
        case .none: return
        case .ping:
            self.outgoing.ping()
            try self.flush()
        case .giveUp:
            // This program may have been suspended meanwhile, and the answer may be here.
            guard !self.network.hasPending else { return }
            throw MosquittoError(.lost, "\(self.peer) did not answer within the keep-alive time")
        }
    }

    /// Shuts down the sending side.
    func endWriting() { self.network.endWriting() }

    /// Reads the remaining data, and drops it.
    ///
    /// - Returns: false when the broker has closed its side.
    func discard() -> Bool { self.network.discard() }
}
