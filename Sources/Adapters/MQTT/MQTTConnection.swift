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
    private let thread: PollThread
    private let clientID: String
    private var listensToDuplicates = false
    /// Zero for none; the broker's own wish goes first (MQTT 5 §3.2.2.3.14).
    let keepAliveInterval: Duration
    /// Often enough for the keep-alive, which counts seconds.
    private let longestWait: Duration

    /// How to connect, beside the settings of the file.
    struct Plan {
        let clientID: String
        /// Zero asks for a session that ends with the connection.
        let sessionExpiry: Duration
        let keepAlive: Duration
        /// How many messages of QoS 1 the broker may send before the first is acknowledged (MQTT 5 §3.1.2.11.3).
        var receiveMaximum: UInt16?
        /// How long it may take.
        var limit = Duration.seconds(10)
    }

    private init(
        handle: MosquittoHandle, connack: MosquittoEvents.Connack, peer: String, thread: PollThread, plan: Plan
    ) {
        self.handle = handle
        self.events = handle.events
        self.connack = connack
        self.peer = peer
        self.thread = thread
        self.clientID = plan.clientID
        let keepAlive: Duration = connack.serverKeepAlive.map { .seconds($0) } ?? plan.keepAlive
        self.keepAliveInterval = keepAlive
        self.longestWait = keepAlive == .zero ? .seconds(30) : min(keepAlive / 4, .seconds(10))
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
        // A certificate is checked against the name, so with TLS it is libmosquitto that must see the name.
        var hosts = [settings.address.host]
        if !settings.address.isSecure {
            do {
                hosts = try MQTTHostAddresses.resolve(settings.address.host)
            } catch let error as MosquittoError {
                throw ComponentError.failed(error, complaint: nil, peer: peer)
            }
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
            handle.listenToComplaints(true)
            let keepAlive = Int(plan.keepAlive.components.seconds)
            var properties = MosquittoProperties()
            if settings.version == .five {
                let seconds = min(max(plan.sessionExpiry.components.seconds, 0), Int64(UInt32.max))
                properties.append(MQTT_PROP_SESSION_EXPIRY_INTERVAL, number: UInt32(seconds))
                if let maximum = plan.receiveMaximum { properties.append(MQTT_PROP_RECEIVE_MAXIMUM, short: maximum) }
            }
            do {
                try handle.connect(host: host, port: settings.address.port, keepAlive: keepAlive, properties: properties)
            } catch let error as MosquittoError where error.code == MOSQ_ERR_ERRNO {
                throw ComponentError(.connectionRefused, "\(peer) cannot be reached", cause: error)
            }
            var isConnected = false
            while events.connack == nil {
                if Task.isCancelled || isUnwanted() { throw CancellationError() }
                let left = deadline - ContinuousClock.now
                guard left > .zero else {
                    throw ComponentError(
                        .timedOut,
                        isConnected ? "\(peer) did not answer CONNECT in time" : "\(peer) did not accept a connection in time"
                    )
                }
                // While TLS is set up the library may say that it wants to write when it does not.
                let writes = !isConnected || (handle.wantsWrite && !settings.address.isSecure)
                let ready = thread.wait(
                    fd: handle.socket, events: writes ? [.readable, .writable] : .readable, timeout: min(left, .milliseconds(100))
                )
                guard isConnected || !ready.isEmpty else { continue }
                do {
                    if handle.wantsWrite { try handle.write() }
                    isConnected = true
                    // One packet a call: nothing that follows CONNACK is read here, where an acknowledgement would be written.
                    if events.connack == nil { _ = try handle.read() }
                } catch let error as MosquittoError where !isConnected && error.code == MOSQ_ERR_ERRNO {
                    throw ComponentError(.connectionRefused, "\(peer) cannot be reached", cause: error)
                } catch {
                    // A refusal is an error of the library too; the code tells more.
                    if events.connack == nil { throw error }
                }
            }
            let connack = events.connack!
            let refusal = ComponentError.connack(
                connack.reason, version: settings.version, clientID: plan.clientID, peer: peer
            )
            if let refusal { throw refusal }
            handle.listenToComplaints(false)
            return MQTTConnection(handle: handle, connack: connack, peer: peer, thread: thread, plan: plan)
        } catch let error as MosquittoError {
            throw ComponentError.failed(error, complaint: events.complaint, peer: peer)
        }
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
        if settings.address.isSecure { try handle.setTLS(settings.tls) }
        if let will = settings.will { try handle.setWill(will) }
        return handle
    }

    // MARK: Turning

    /// Waits until the broker says something, the socket takes more, or the thread is woken.
    ///
    /// - Parameters:
    ///   - reads: whether to wait for what the broker says.
    ///   - writes: whether to wait until what is queued can be written.
    func wait(reads: Bool, writes: Bool) -> PollThread.Readiness {
        var events: PollThread.Readiness = reads ? .readable : []
        if writes, self.handle.wantsWrite { events.insert(.writable) }
        return self.thread.wait(fd: self.handle.socket, events: events, timeout: self.longestWait)
    }

    /// Reads up to `limit` packets into ``events``.
    ///
    /// - Returns: true when there may be more.
    /// - Throws: ``ComponentError``; what was read before stands in ``events`` all the same.
    func read(atMost limit: Int) throws -> Bool {
        if self.listensToDuplicates, self.events.repeatsAhead == 0 {
            self.listensToDuplicates = false
            self.handle.listenToComplaints(false)
        }
        return try self.perform {
            for _ in 0..<limit {
                guard try self.handle.read() else { return false }
                if let reason = self.events.ending {
                    throw ComponentError.ended(reason, clientID: self.clientID, peer: self.peer)
                }
            }
            return true
        }
    }

    /// Writes what is queued; in one segment when it is several packets.
    func write(corked: Bool = false) throws {
        try self.perform {
            guard self.handle.wantsWrite else { return }
            if corked { self.setOption(IPPROTO_TCP, TCP_CORK, 1) }
            try self.handle.write()
            if corked { self.setOption(IPPROTO_TCP, TCP_CORK, 0) }
        }
    }

    /// Sends a ping when one is due, and gives up on a broker that did not answer the last one.
    ///
    /// May write anything queued.
    func keepAliveTick() throws {
        guard self.keepAliveInterval != .zero else { return }
        try self.perform {
            try self.handle.keepAlive()
            if self.handle.wantsWrite { try self.handle.write() }
        }
    }

    /// Has the kernel look after an idle connection, in place of MQTT's keep-alive.
    func useTCPKeepAlive(idle: Duration) {
        self.setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
        self.setOption(IPPROTO_TCP, TCP_KEEPIDLE, Int32(clamping: max(1, idle.components.seconds)))
        self.setOption(IPPROTO_TCP, TCP_KEEPINTVL, 5)
        self.setOption(IPPROTO_TCP, TCP_KEEPCNT, 3)
    }

    /// The broker has resumed a session: of the next messages of QoS 1, up to this many, it may have sent some before.
    func expectRepeats(_ count: Int) {
        self.events.expectRepeats(count, clientID: self.clientID)
        self.handle.listenToDuplicates()
        self.listensToDuplicates = true
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
        // libmosquitto closes its socket right after DISCONNECT. Closing it while messages of the broker are unread would reset the
        // connection, and the broker would lose the acknowledgements it has not read yet: this second descriptor keeps it open.
        let second = dup(self.handle.socket)
        defer { self.drain(second) }
        // The work is done: a broker that is gone by now loses nothing of ours.
        do {
            try self.announce(will)
            try self.handle.disconnect()
            let deadline = ContinuousClock.now + .seconds(1)
            while self.handle.socket >= 0, ContinuousClock.now < deadline {
                try self.handle.write()
                guard self.handle.wantsWrite, self.handle.socket >= 0 else { return }
                _ = self.thread.wait(fd: self.handle.socket, events: .writable, timeout: .milliseconds(50))
            }
        } catch {
            return
        }
    }

    /// Reads what still comes until the broker has closed its side, a second at most, and closes the descriptor.
    private func drain(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let deadline = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < deadline {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return }
            if count < 0 { _ = self.thread.wait(fd: descriptor, events: .readable, timeout: .milliseconds(50)) }
        }
    }

    private func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(self.handle.socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func setOption(_ level: Int, _ name: Int32, _ value: Int32) {
        self.setOption(Int32(level), name, value)
    }

    private func perform<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as MosquittoError {
            // A DISCONNECT of the broker tells more than the error that follows it.
            if let reason = self.events.ending, (0x80...0xff).contains(reason) {
                throw ComponentError.ended(reason, clientID: self.clientID, peer: self.peer)
            }
            throw ComponentError.failed(error, complaint: self.events.complaint, peer: self.peer)
        }
    }
}
