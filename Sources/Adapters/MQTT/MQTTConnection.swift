import BridgeCore
import CMosquitto
import Glibc
import PollThread

/// One connection to a broker, from CONNECT to DISCONNECT.
///
/// Confined to a ``PollThread``, on which it waits. The source and the sink turn it; it knows what both need.
final class MQTTConnection {
    let events: MosquittoEvents
    /// What the broker answered.
    let connack: MosquittoEvents.Connack
    /// The broker, for messages.
    let peer: String
    private let handle: MosquittoHandle
    private let wire: MQTTWire
    private let thread: PollThread
    private let clientID: String
    /// How many bytes of messages are read before they are handed on.
    private static let largestBatch = 4 << 20
    /// Whether the library has read everything that it was given.
    private var isDrained = false

    /// How to connect, beside the settings of the file.
    struct Plan {
        let clientID: String
        /// Zero asks for a session that ends with the connection.
        let sessionExpiry: Duration
        let keepAlive: Duration
        /// How many messages of QoS 1 the broker may send before the first is acknowledged (MQTT 5 §3.1.2.11.3); `nil` for a client
        /// that subscribes to nothing.
        var receiveMaximum: UInt16?
        /// How long it may take.
        var limit = Duration.seconds(10)
    }

    private init(
        handle: MosquittoHandle, wire: MQTTWire, connack: MosquittoEvents.Connack, peer: String, thread: PollThread, plan: Plan
    ) {
        self.handle = handle
        self.wire = wire
        self.events = handle.events
        self.connack = connack
        self.peer = peer
        self.thread = thread
        self.clientID = plan.clientID
        // The broker's own wish goes first (MQTT 5 §3.2.2.3.14).
        wire.begin(keepAlive: connack.serverKeepAlive.map { .seconds($0) } ?? plan.keepAlive)
    }

    // MARK: Connecting

    /// Connects and waits for the broker's CONNACK, trying one address after the other.
    ///
    /// - Parameter isUnwanted: looked at whenever the thread is woken; true ends the attempt with a `CancellationError`.
    /// - Throws: ``ComponentError``.
    static func open(
        _ settings: MQTTConnectionSettings, plan: Plan, events: () -> MosquittoEvents, thread: PollThread,
        isUnwanted: () -> Bool
    ) throws -> MQTTConnection {
        let peer = settings.address.description
        let deadline = ContinuousClock.now + plan.limit
        let hosts: [String]
        do {
            hosts = try MQTTHostAddresses.resolve(settings.address.host)
        } catch let error as MosquittoError {
            throw ComponentError.failed(error, peer: peer)
        }
        var last: ComponentError?
        for (index, host) in hosts.enumerated() {
            let share = (deadline - ContinuousClock.now) / (hosts.count - index)
            do {
                return try self.open(
                    host, settings, plan: plan, events: events(), thread: thread, deadline: .now + share, isUnwanted: isUnwanted
                )
            } catch let error as ComponentError where error.code == .connectionRefused || error.code == .timedOut {
                last = error
            }
        }
        throw last ?? ComponentError(.connectionRefused, "\(peer) has no address")
    }

    private static func open(
        _ host: String, _ settings: MQTTConnectionSettings, plan: Plan, events: MosquittoEvents, thread: PollThread,
        deadline: ContinuousClock.Instant, isUnwanted: () -> Bool
    ) throws -> MQTTConnection {
        let peer = settings.address.description
        do {
            let handle = try self.handle(settings, plan: plan, events: events)
            var properties = MosquittoProperties()
            if settings.version == .five {
                let seconds = min(max(plan.sessionExpiry.components.seconds, 0), Int64(UInt32.max))
                properties.append(MQTT_PROP_SESSION_EXPIRY_INTERVAL, number: UInt32(seconds))
                if let maximum = plan.receiveMaximum { properties.append(MQTT_PROP_RECEIVE_MAXIMUM, short: maximum) }
            }
            do {
                try handle.connect(
                    host: host, port: settings.address.port, keepAlive: Int(plan.keepAlive.components.seconds),
                    properties: properties
                )
            } catch let error as MosquittoError where error.code == MOSQ_ERR_ERRNO {
                throw ComponentError(.connectionRefused, "\(peer) cannot be reached", cause: error)
            }
            let wire = try MQTTWire(
                replacing: handle.socket,
                validator: MQTTPacketValidator(version: settings.version, takesMessages: plan.receiveMaximum != nil),
                deliveries: events.deliveries, peer: peer
            )
            if settings.address.isSecure {
                wire.secure(try MQTTSecureChannel(settings.tls, host: settings.address.host, peer: peer))
            }
            func wait(_ complaint: String, _ events: PollThread.Readiness) throws -> Bool {
                if Task.isCancelled || isUnwanted() { throw CancellationError() }
                let left = deadline - ContinuousClock.now
                guard left > .zero else { throw ComponentError(.timedOut, "\(peer) \(complaint)") }
                return !thread.wait(fd: wire.network, events: events, timeout: min(left, .milliseconds(100))).isEmpty
            }
            while try !wait("did not accept a connection in time", .writable) {}
            let failure = wire.connectFailure
            guard failure == 0 else {
                throw ComponentError(
                    .connectionRefused, "\(peer) cannot be reached",
                    cause: MosquittoError("connecting", MOSQ_ERR_ERRNO, system: failure)
                )
            }
            while try !wire.handshake() { _ = try wait("did not answer in TLS in time; \(Self.otherPort)", wire.interest) }
            do {
                while try !self.exchange(handle, wire) {
                    _ = try wait("did not answer CONNECT in time; \(Self.otherPort)", wire.interest)
                }
            } catch {
                throw Self.silentEnd(error, peer, isSecure: settings.address.isSecure)
            }
            let connack = events.connack!
            let refusal = ComponentError.connack(
                connack.reason, version: settings.version, clientID: plan.clientID, keepAlive: plan.keepAlive, peer: peer
            )
            if let refusal { throw refusal }
            return MQTTConnection(handle: handle, wire: wire, connack: connack, peer: peer, thread: thread, plan: plan)
        } catch let error as MosquittoError {
            throw ComponentError.failed(error, peer: peer)
        }
    }

    /// A connection that was lost before the CONNACK, with what may be the reason.
    private static func silentEnd(_ error: any Error, _ peer: String, isSecure: Bool) -> any Error {
        let cause = (error as? MosquittoError).map { ComponentError.failed($0, peer: peer) } ?? error as? ComponentError
        guard var lost = cause, lost.code == .connectionLost else { return error }
        // The cause stands behind the message.
        lost.message = "\(lost) before CONNACK; "
        lost.cause = nil
        lost.message +=
            isSecure
            ? Self.otherPort : "the port may want TLS (mqtts://), or the broker refuses the client without saying so"
        return lost
    }

    /// What else a port may be whose server takes a connection and says nothing.
    private static let otherPort = "the port may be for WebSocket or belong to another service"

    /// Sends CONNECT and reads what has come, up to the CONNACK.
    ///
    /// - Returns: whether that has come.
    private static func exchange(_ handle: MosquittoHandle, _ wire: MQTTWire) throws -> Bool {
        if handle.wantsWrite {
            try handle.write()
            wire.pull()
        }
        try wire.flush()
        while case .bytes = try wire.supply() {
            do {
                // One packet a call: nothing that follows CONNACK is read here, where nobody takes it.
                while handle.events.connack == nil, try handle.read() {}
            } catch {
                // A refusal is an error of the library too; the code tells more.
                if handle.events.connack == nil { throw error }
            }
            if handle.events.connack != nil { return true }
        }
        return false
    }

    private static func handle(
        _ settings: MQTTConnectionSettings, plan: Plan, events: MosquittoEvents
    ) throws -> MosquittoHandle {
        let handle = try MosquittoHandle(
            clientID: plan.clientID,
            // MQTT 5 §3.1.2.4: a clean start forgets an old session; MQTT 3.1.1 has one flag for that and for the expiry.
            cleanStart: plan.sessionExpiry == .zero, version: settings.version == .five ? 5 : 4, events: events
        )
        if let user = settings.user { try handle.setCredentials(user: user, password: settings.password?.value) }
        if let will = settings.will { try handle.setWill(will) }
        return handle
    }

    // MARK: Turning

    /// Waits until the broker says something, the network takes what is to be written, a ping may be due, or the thread is woken.
    ///
    /// - Parameters:
    ///   - reads: whether to wait for what the broker says.
    ///   - end: when the owner has something else to do; `nil` for never.
    func wait(reads: Bool, until end: ContinuousClock.Instant? = nil) -> PollThread.Readiness {
        var events: PollThread.Readiness = reads ? .readable : []
        if !self.isFlushed { events.insert(.writable) }
        let now = ContinuousClock.now
        let limit = end.map { max(.zero, $0 - now) } ?? .seconds(30)
        return self.thread.wait(fd: self.wire.network, events: events, timeout: min(limit, self.wire.keepAlive.wait(from: now)))
    }

    /// Reads up to about `limit` packets into ``events``, and fewer when they are large.
    ///
    /// - Returns: true when there may be more.
    /// - Throws: ``ComponentError``; what was read before stands in ``events`` all the same.
    func read(atMost limit: Int) throws -> Bool {
        try self.perform {
            for _ in 0..<limit where self.events.messageBytes < Self.largestBatch {
                if !self.isDrained {
                    self.isDrained = try !self.handle.read()
                    if let reason = self.events.ending {
                        throw ComponentError.ended(reason, clientID: self.clientID, peer: self.peer)
                    }
                    continue
                }
                switch try self.wire.supply() {
                case .bytes: self.isDrained = false
                case .omission(let omission): self.events.left(out: omission)
                case .nothing: return false
                }
            }
            return true
        }
    }

    /// Whether everything but acknowledgements that are held has been taken by the network.
    var isFlushed: Bool { self.wire.isFlushed && !self.handle.wantsWrite }

    /// Writes what is queued, less acknowledgements, as far as the network takes it.
    func write() throws {
        try self.perform {
            while true {
                try self.wire.flush()
                guard self.wire.isFlushed, self.handle.wantsWrite else { return }
                try self.handle.write()
                self.wire.pull()
            }
        }
    }

    /// Queues the acknowledgements of the first so many messages of QoS 1 that were read and are not acknowledged.
    func releaseAcknowledgements(_ count: Int) { self.wire.releaseAcknowledgements(count) }

    /// Takes everything that the library has queued.
    private func pull() throws {
        while self.handle.wantsWrite {
            try self.handle.write()
            self.wire.pull()
        }
    }

    /// Sends a ping when one is due, and gives up on a broker that gives no sign of life.
    ///
    /// - Parameter reads: whether what the broker says is read now.
    func keepAliveTick(reads: Bool) throws {
        try self.wire.keepAliveTick(reads: reads)
    }

    /// Queues a SUBSCRIBE and returns its packet identifier.
    func subscribe(_ filter: String, qos: Int, options: Int32, subscription: UInt32? = nil) throws -> Int32 {
        try self.perform {
            try self.handle.subscribe(filter, qos: qos, options: options, subscription: subscription)
        }
    }

    /// Queues an UNSUBSCRIBE and returns its packet identifier.
    @discardableResult
    func unsubscribe(_ filter: String) throws -> Int32 {
        try self.perform { try self.handle.unsubscribe(filter) }
    }

    /// Queues a message about ourselves.
    func announce(_ announcement: MQTTAnnouncement?) throws {
        guard let announcement else { return }
        let none = MosquittoProperties()
        try self.perform {
            _ = try self.handle.publish(
                announcement.buffer, topic: announcement.topic, qos: announcement.qos, retain: announcement.isRetained,
                properties: none
            )
        }
    }

    /// The queue of messages to publish.
    var publisher: MosquittoHandle { self.handle }

    /// Says what the will says and goodbye, and waits a moment until the broker has read both.
    func close(announcing will: MQTTAnnouncement?) {
        // Closing while messages of the broker are unread would reset the connection, and the broker would lose the acknowledgements
        // that it has not read yet: so what still comes is read, until the broker has closed its side.
        let deadline = ContinuousClock.now + .seconds(2)
        // The work is done: a broker that is gone by now loses nothing of ours.
        do {
            try self.announce(will)
            try self.handle.disconnect()
            try self.pull()
            self.wire.pull()
            while !self.wire.isFlushed, ContinuousClock.now < deadline - .seconds(1) {
                try self.wire.flush()
                _ = self.thread.wait(fd: self.wire.network, events: .writable, timeout: .milliseconds(50))
            }
        } catch {
            return
        }
        self.wire.endWriting()
        while self.wire.discard(), ContinuousClock.now < deadline {
            _ = self.thread.wait(fd: self.wire.network, events: .readable, timeout: .milliseconds(50))
        }
    }

    private func perform<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as MosquittoError {
            // A DISCONNECT of the broker tells more than the error that follows it.
            if let reason = self.events.ending, (0x80...0xff).contains(reason) {
                throw ComponentError.ended(reason, clientID: self.clientID, peer: self.peer)
            }
            throw ComponentError.failed(error, peer: self.peer)
        }
    }
}
