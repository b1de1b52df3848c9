import BridgeCore
import Logging
import PollThread

/// One connection of an MQTT source: it turns libmosquitto's loop and decides when an acknowledgement may leave.
///
/// On its ``PollThread``, which its only method blocks until the connection ends.
///
/// The rule of acknowledging: libmosquitto queues a PUBACK while it reads a message, and everything queued leaves with the next
/// write. So nothing is written while a message of QoS 1 is not yet safe, not even a ping. Reading goes on meanwhile, because
/// the messages of QoS 1 that are read then are bounded by the broker's window, and those of QoS 0 need no acknowledgement.
actor MQTTSourceSession {
    /// How many packets are read before the batch is handed on.
    private static let turn = 256
    /// How many messages of QoS 1 may wait for their acknowledgement, whatever the broker's window.
    private static let window = 1024

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let configuration: MQTTSource.Configuration
    private let context: ComponentContext
    private let counters: MQTTSource.Counters
    private let history: MQTTSource.History
    private let outlet: SourceOutlet
    private let thread: PollThread

    private let clientID: String
    /// SUBSCRIBE packets that the broker has not answered yet.
    private var pending: [Int32: MQTTSubscription] = [:]
    /// UNSUBSCRIBE packets that the broker has not answered yet.
    private var ending: Set<Int32> = []
    /// What to remember once everything is answered; `nil` when that is done.
    private var unconfirmed: [MQTTSubscriptionPlan.Entry]?
    /// Up to here everything must be safe before anything is written.
    private var acknowledgedFrom = Position.start
    /// Messages of QoS 1 whose acknowledgements are queued.
    private var unacknowledged = 0
    /// What is remembered of the packet identifiers.
    private var kept: MQTTPacketIdentifiers.Session?

    init(
        configuration: MQTTSource.Configuration, context: ComponentContext, counters: MQTTSource.Counters,
        history: MQTTSource.History, outlet: SourceOutlet, thread: PollThread
    ) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.configuration = configuration
        self.context = context
        self.counters = counters
        self.clientID = configuration.connection.clientID(for: context, direction: "source")
        self.history = history
        self.outlet = outlet
        self.thread = thread
    }

    /// Returns when the outlet is stopping and everything is acknowledged; throws when the connection is lost.
    func run() throws {
        guard let connection = try self.connect() else { return }
        defer { self.history.offline.disconnected() }
        try self.subscribe(connection)
        try self.turn(connection)
        connection.close(announcing: self.configuration.connection.will)
    }

    /// - Returns: `nil` when the source shall end before it is connected.
    private func connect() throws -> MQTTConnection? {
        let settings = self.configuration.connection
        // While an acknowledgement is held back no ping may leave, so the kernel looks after the connection instead.
        let holdsLong = self.outlet.acknowledge == .delivered && self.configuration.wantsSession
        let plan = MQTTConnection.Plan(
            clientID: self.clientID, sessionExpiry: self.configuration.sessionExpiry,
            keepAlive: holdsLong ? .zero : settings.keepAlive, receiveMaximum: UInt16(Self.window)
        )
        do {
            let connection = try MQTTConnection.open(
                settings, plan: plan, events: { MosquittoEvents() }, thread: self.thread,
                isUnwanted: { self.outlet.isStopping }
            )
            if holdsLong, settings.keepAlive != .zero { connection.useTCPKeepAlive(idle: settings.keepAlive) }
            self.context.logger.notice(
                "Connected",
                metadata: [
                    "peer": "\(connection.peer)", "client_id": "\(plan.clientID)",
                    "session": "\(connection.connack.isSessionPresent ? "resumed" : "new")",
                ]
            )
            return connection
        } catch is CancellationError {
            if self.outlet.isStopping, !Task.isCancelled { return nil }
            throw CancellationError()
        }
    }

    /// Asks for what the file says, ends what an earlier file asked for, and tells of a gap.
    ///
    /// With MQTT 5 everything is asked for at each connect, in a way that brings retained messages only where the broker does not have the
    /// subscription: one that was killed may have kept the session of yesterday. With MQTT 3.1.1 that would bring all
    /// of them, so what the session holds is asked for again only where they are ignored.
    private func subscribe(_ connection: MQTTConnection) throws {
        self.tellGap(connection)
        let isFive = self.configuration.connection.version == .five
        let plan = MQTTSubscriptionPlan(
            self.configuration.subscriptions,
            hasIdentifiers: isFive && connection.connack.takesSubscriptionIdentifiers
        )
        connection.events.reader = MQTTMessageReader(
            retained: MQTTRetainedPolicy(
                self.configuration.subscriptions, memory: self.history.retained.memory, ignored: self.counters.ignored
            ),
            plan: plan, identifiers: self.history.packets, dropped: self.counters.copies
        )
        // With MQTT 3.1.1 the window is the broker's own; more keys than this are not kept.
        if connection.connack.isSessionPresent { connection.expectRepeats(isFive ? Self.window : 4096) }
        let memory = self.memory
        let contents = connection.connack.isSessionPresent ? memory.contents() : MQTTSessionMemory.Contents()
        self.history.packets.begin(contents.packets)
        self.kept = self.history.packets.session
        if connection.connack.isSessionPresent, contents.packets == nil, contents.filters.isEmpty {
            self.context.logger.warning(
                "The broker has a session that nothing is remembered of: filters that have left the file may still bring messages",
                metadata: ["client_id": "\(self.clientID)"]
            )
        }
        let stale = contents.filters.filter { filter in !plan.entries.contains { $0.wireFilter == filter } }
        if self.configuration.sessionExpiry != .zero {
            try memory.asking(for: plan.entries, granted: contents.granted, besides: stale)
            self.unconfirmed = plan.entries
            if contents.packets == nil, isFive { self.waitUntilKept() }
        }
        for entry in plan.entries {
            let isGranted = contents.granted.contains(MQTTSessionMemory.description(of: entry))
            if isGranted, !isFive, entry.subscription.retained != .ignore { continue }
            let options =
                isFive ? entry.subscription.options(noLocal: self.configuration.noLocal ?? true, isGranted: isGranted) : 0
            let packet = try connection.subscribe(
                entry.wireFilter, qos: entry.subscription.qos, options: options, subscription: entry.identifier
            )
            self.pending[packet] = entry.subscription
        }
        // After the new ones, which may cover them: nothing falls between.
        for filter in stale {
            self.context.logger.info("Unsubscribing", metadata: ["filter": "\(filter)"])
            self.ending.insert(try connection.unsubscribe(filter))
        }
        try connection.announce(self.configuration.connection.birth)
        // All of it leaves before the first message is read, which could not be acknowledged yet.
        try connection.write()
        while connection.publisher.wantsWrite {
            if Task.isCancelled { throw CancellationError() }
            _ = connection.wait(reads: false, writes: true)
            try connection.write()
        }
        // With MQTT 3.1.1 not before: after a kill a session without subscriptions would look like the one that had them.
        if contents.packets == nil, !isFive, self.configuration.sessionExpiry != .zero { self.waitUntilKept() }
        if self.pending.isEmpty { try self.noteAllGranted() }
    }

    private var memory: MQTTSessionMemory {
        MQTTSessionMemory(
            context: self.context, broker: self.configuration.connection.address.description, clientID: self.clientID,
            packets: self.history.packets
        )
    }

    /// Waits until what is remembered is on disk: after a kill, messages of a new session must not be measured by those of an old one.
    private func waitUntilKept() {
        let isKept = Flag()
        self.context.cursors.whenKept { [thread = self.thread] in
            isKept.set()
            thread.wake()
        }
        while !isKept.isSet, !self.outlet.isStopping, !Task.isCancelled {
            _ = self.thread.wait(timeout: .milliseconds(100))
        }
    }

    /// Remembers what packet identifiers have told, before the messages that told it are handed on.
    private func keepPackets() throws {
        guard self.history.packets.session != self.kept else { return }
        self.kept = self.history.packets.session
        if self.configuration.sessionExpiry != .zero { try self.memory.keepPackets() }
    }

    /// What was published while we were away is lost unless the broker kept it.
    private func tellGap(_ connection: MQTTConnection) {
        guard let period = self.history.offline.connected() else { return }
        let keptNothing = !connection.connack.isSessionPresent
        guard keptNothing || self.configuration.subscriptions.contains(where: { $0.qos == 0 }) else { return }
        let why = keptNothing ? "the broker kept no session" : "the broker keeps nothing at qos 0"
        self.outlet.gap("\(period.reason(for: connection.peer)), and \(why)", during: period)
    }

    private func turn(_ connection: MQTTConnection) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        var isPausedSince: ContinuousClock.Instant?
        var mayHaveMore = false
        while true {
            try Task.checkCancellation()
            try self.history.retained.keep(self.outlet)
            let isStopping = self.outlet.isStopping
            let isHeld = self.unacknowledged > 0 && self.outlet.safe < self.acknowledgedFrom
            let isPaused = !isStopping && self.pending.isEmpty && self.outlet.demand == .pause
            if !isHeld {
                try self.acknowledge(connection)
                if isStopping { return }
                try self.keepAlive(connection, pausedSince: &isPausedSince, isPaused: isPaused)
            }
            if !self.pending.isEmpty, ContinuousClock.now > deadline {
                throw ComponentError(.timedOut, "\(connection.peer) did not answer SUBSCRIBE in time")
            }
            let reads = !isStopping && !isPaused && self.unacknowledged < Self.window
            if !(reads && mayHaveMore) {
                let ready = connection.wait(reads: reads, writes: !isHeld)
                guard reads, ready.isReadable else { continue }
            }
            mayHaveMore = try self.read(connection)
        }
    }

    /// Reads one batch and hands it on.
    ///
    /// - Returns: true when there may be more, in the socket or in the TLS layer on it.
    private func read(_ connection: MQTTConnection) throws -> Bool {
        var mayHaveMore = false
        var failure: (any Error)?
        do {
            mayHaveMore = try connection.read(atMost: Self.turn)
        } catch {
            // What was read before the connection was lost is handed on all the same.
            failure = error
        }
        do { try self.keepPackets() } catch { failure = failure ?? error }
        self.handOn(connection.events)
        if let failure { throw failure }
        try self.noteGranted(connection)
        return mayHaveMore
    }

    /// Writes the acknowledgements that are queued, and whatever else is.
    private func acknowledge(_ connection: MQTTConnection) throws {
        let asks =
            self.unacknowledged > 0 && self.history.packets.acknowledging() && self.configuration.sessionExpiry != .zero
        // The end of a subscription that was never made is answered, and changes nothing.
        if asks {
            let packet = try connection.unsubscribe("streambridge/acknowledged")
            connection.events.question = (packet, self.history.packets.answered)
        }
        try connection.write(corked: asks || self.unacknowledged > 1)
        self.unacknowledged = 0
    }

    private func handOn(_ events: MosquittoEvents) {
        guard !events.messages.isEmpty || events.acknowledgements > 0 else { return }
        let receipt = self.outlet.send(events.takeMessages(), mayBlock: true)
        let acknowledgements = events.takeAcknowledgements()
        guard acknowledgements > 0 else { return }
        self.unacknowledged += acknowledgements
        self.acknowledgedFrom = receipt.position
    }

    /// Looks at the answers to SUBSCRIBE (MQTT 5 §3.9.3, MQTT 3.1.1 §3.9.3) and UNSUBSCRIBE.
    private func noteGranted(_ connection: MQTTConnection) throws {
        let ended = connection.events.takeUnsubscribed()
        guard !self.pending.isEmpty || !self.ending.isEmpty else { return }
        let wasPending = !self.pending.isEmpty
        self.ending.subtract(ended)
        for (packet, code) in connection.events.takeSubscribed() {
            guard let subscription = self.pending.removeValue(forKey: packet) else { continue }
            guard code < 0x80 else {
                let reason = self.configuration.connection.version == .five ? " (\(ComponentError.text(code)))" : ""
                throw ComponentError(
                    .rejected, "\(connection.peer) refuses the subscription to \(subscription.wireFilter)\(reason)",
                    retryAfter: .seconds(30)
                )
            }
            if code < subscription.qos {
                self.context.logger.warning(
                    "Subscription granted with less than asked for",
                    metadata: ["filter": "\(subscription.wireFilter)", "qos": "\(code)"]
                )
            }
        }
        if self.pending.isEmpty, wasPending || self.ending.isEmpty { try self.noteAllGranted() }
    }

    private func noteAllGranted() throws {
        self.outlet.connected()
        guard self.ending.isEmpty, let entries = self.unconfirmed else { return }
        self.unconfirmed = nil
        try self.memory.granted(entries)
    }

    /// Keeps the broker from dropping us.
    ///
    /// While paused nothing is read, so no answer to a ping would be seen and libmosquitto would give up; any other packet serves the
    /// broker as well (MQTT 5 §3.1.2.10). One that asks for nothing: ending a subscription that was never made.
    private func keepAlive(_ connection: MQTTConnection, pausedSince: inout ContinuousClock.Instant?, isPaused: Bool) throws {
        guard isPaused else {
            let wasPaused = pausedSince != nil
            pausedSince = nil
            // The answers that came while paused are read first.
            if !wasPaused { try connection.keepAliveTick() }
            return
        }
        let now = ContinuousClock.now
        guard let since = pausedSince else {
            pausedSince = now
            return
        }
        guard connection.keepAliveInterval != .zero, now - since > connection.keepAliveInterval / 2 else { return }
        pausedSince = now
        try connection.unsubscribe("streambridge/keep-alive")
        try connection.write()
    }
}
