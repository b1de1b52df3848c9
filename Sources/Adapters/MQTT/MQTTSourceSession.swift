import BridgeCore
import Logging
import PollThread
import Synchronization

/// One connection of an MQTT source: it turns libmosquitto's loop and decides when an acknowledgement may leave.
///
/// On its ``PollThread``, which its only method blocks until the connection ends.
///
/// The rule of acknowledging: ``MQTTWire`` holds the PUBACK of each message back until it is released here, when everything that was
/// read is safe. All other packets go on meanwhile, and so does reading: the messages of
/// QoS 1 that are read then are bounded by the broker's window, and those of QoS 0 need no acknowledgement.
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
    private var pending: [Int32: MQTTSubscriptionPlan.Entry] = [:]
    /// When the broker must have answered them.
    private var answerBy = ContinuousClock.now
    /// How many subscriptions are wanted.
    private var wanted = 0
    private var refused = MQTTRefusedFilters()
    private var feedback = MQTTFeedback(now: .now)
    /// Whether readiness warns of a topic that feeds itself.
    private var hasFeedback = false
    /// UNSUBSCRIBE packets that the broker has not answered yet.
    private var ending: Set<Int32> = []
    /// What to remember once everything is answered; `nil` when that is done.
    private var unconfirmed: [MQTTSubscriptionPlan.Entry]?
    /// What is remembered of the session as granted, when that may change in this connection.
    private var remembered: [MQTTSubscriptionPlan.Entry]?
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
        let plan = MQTTConnection.Plan(
            clientID: self.clientID, sessionExpiry: self.configuration.sessionExpiry, keepAlive: settings.keepAlive,
            receiveMaximum: UInt16(Self.window)
        )
        do {
            let connection = try MQTTConnection.open(
                settings, plan: plan, events: { MosquittoEvents() }, thread: self.thread,
                isUnwanted: { self.outlet.isStopping }
            )
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
        if connection.connack.isSessionPresent { connection.events.repeatsAhead = isFive ? Self.window : 4096 }
        let memory = self.memory
        let contents = connection.connack.isSessionPresent ? memory.contents() : MQTTSessionMemory.Contents()
        if contents.hasAtMostOnce { self.history.hasAtMostOnce.set() }
        self.reportGap(connection)
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
            self.remembered = plan.entries
            if contents.packets == nil, isFive { self.waitUntilKept() }
        }
        self.wanted = plan.entries.count
        for entry in plan.entries {
            let isGranted = contents.granted.contains(MQTTSessionMemory.description(of: entry))
            if isGranted, !isFive, entry.subscription.retained != .ignore { continue }
            try self.ask(for: entry, isGranted: isGranted, connection)
        }
        // After the new ones, which may cover them: nothing falls between.
        for filter in stale {
            self.context.logger.info("Unsubscribing", metadata: ["filter": "\(filter)"])
            self.ending.insert(try connection.unsubscribe(filter))
        }
        try connection.announce(self.configuration.connection.birth)
        // All of it leaves before the first message is read, which could not be acknowledged yet.
        try connection.write()
        while !connection.isFlushed {
            if Task.isCancelled { throw CancellationError() }
            _ = connection.wait(reads: false)
            try connection.write()
        }
        // With MQTT 3.1.1 not before: after a kill a session without subscriptions would look like the one that had them.
        if contents.packets == nil, !isFive, self.configuration.sessionExpiry != .zero { self.waitUntilKept() }
        if self.pending.isEmpty { try self.noteAllGranted() }
    }

    /// Queues a SUBSCRIBE.
    ///
    /// - Parameter isGranted: whether the broker's session should have this subscription.
    private func ask(for entry: MQTTSubscriptionPlan.Entry, isGranted: Bool, _ connection: MQTTConnection) throws {
        let isFive = self.configuration.connection.version == .five
        let packet = try connection.subscribe(
            entry.wireFilter, qos: entry.subscription.qos,
            options: isFive ? entry.subscription.options(noLocal: self.configuration.noLocal ?? true, isGranted: isGranted) : 0,
            subscription: entry.identifier
        )
        self.pending[packet] = entry
        self.answerBy = .now + .seconds(10)
    }

    private var memory: MQTTSessionMemory {
        MQTTSessionMemory(
            context: self.context, broker: self.configuration.connection.address.description, clientID: self.clientID,
            packets: self.history.packets, hasAtMostOnce: self.history.hasAtMostOnce.isSet
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

    /// Remembers what messages have told about the session, before they are handed on.
    private func keepPackets(_ events: MosquittoEvents) throws {
        let isFirst = events.hasAtMostOnce && !self.history.hasAtMostOnce.isSet
        if isFirst { self.history.hasAtMostOnce.set() }
        guard self.history.packets.session != self.kept || isFirst else { return }
        self.kept = self.history.packets.session
        if self.configuration.sessionExpiry != .zero { try self.memory.keepPackets() }
    }

    /// What was published while we were away is lost unless the broker kept it, and it keeps nothing that is published at QoS 0.
    private func reportGap(_ connection: MQTTConnection) {
        guard let period = self.history.offline.connected() else { return }
        let keptNothing = !connection.connack.isSessionPresent
        let isAtMostOnce = self.history.hasAtMostOnce.isSet || self.configuration.subscriptions.contains { $0.qos == 0 }
        guard keptNothing || isAtMostOnce else { return }
        let why = keptNothing ? "the broker kept no session" : "the broker keeps nothing at qos 0"
        self.outlet.gap("\(period.reason(for: connection.peer)), and \(why)", during: period)
    }

    private func turn(_ connection: MQTTConnection) throws {
        // What came with the CONNACK is here already.
        var mayHaveMore = true
        while true {
            try Task.checkCancellation()
            try self.history.retained.keep(self.outlet)
            let isStopping = self.outlet.isStopping
            self.releaseHeld(all: isStopping)
            self.forgetFeedback()
            let isHeld = self.unacknowledged > 0 && (self.feedback.isHolding || self.outlet.safe < self.acknowledgedFrom)
            let isPaused = !isStopping && self.pending.isEmpty && self.outlet.demand == .pause
            if !isStopping { try self.askAgain(connection) }
            if isHeld { try connection.write() } else { try self.acknowledge(connection) }
            if isStopping, !isHeld { return }
            let reads = !isStopping && !isPaused && self.unacknowledged < Self.window
            try connection.keepAliveTick(reads: reads)
            if !self.pending.isEmpty, ContinuousClock.now > self.answerBy {
                throw ComponentError(.timedOut, "\(connection.peer) did not answer SUBSCRIBE in time")
            }
            if !(reads && mayHaveMore) {
                let ready = connection.wait(reads: reads, until: self.nextDue)
                guard reads, ready.isReadable else { continue }
            }
            mayHaveMore = try self.read(connection)
        }
    }

    /// When there is something to do, whatever the broker says; `nil` for never.
    private var nextDue: ContinuousClock.Instant? {
        guard let held = self.feedback.next else { return self.refused.next }
        return self.refused.next.map { min($0, held) } ?? held
    }

    /// Reads one batch and hands it on.
    ///
    /// - Returns: true when there may be more.
    private func read(_ connection: MQTTConnection) throws -> Bool {
        var mayHaveMore = false
        var failure: (any Error)?
        do {
            mayHaveMore = try connection.read(atMost: Self.turn)
        } catch {
            // What was read before the connection was lost is handed on all the same.
            failure = error
        }
        do { try self.keepPackets(connection.events) } catch { failure = failure ?? error }
        self.handOn(connection.events)
        if let failure {
            self.releaseHeld(all: true)
            throw failure
        }
        try self.noteGranted(connection)
        return mayHaveMore
    }

    /// Writes the acknowledgements of everything that was read, and whatever else is queued.
    private func acknowledge(_ connection: MQTTConnection) throws {
        guard self.unacknowledged > 0 else { return try connection.write() }
        connection.releaseAcknowledgements(self.unacknowledged)
        self.unacknowledged = 0
        if self.history.packets.acknowledging(), self.configuration.sessionExpiry != .zero {
            // Behind them; the end of a subscription that was never made is answered, and changes nothing.
            let packet = try connection.unsubscribe("streambridge/acknowledged")
            connection.events.question = (packet, self.history.packets.answered)
        }
        try connection.write()
    }

    private func handOn(_ events: MosquittoEvents) {
        guard !events.messages.isEmpty || events.acknowledgements > 0 || !events.omissions.isEmpty else { return }
        var receipt = self.outlet.send(self.feedback.pass(events.takeMessages(), now: .now), mayBlock: true)
        for omission in events.takeOmissions() {
            self.context.logger.warning(
                "Message left out", metadata: ["topic": "\(MQTTText.harmless(omission.topic))", "reason": "\(omission)"]
            )
            receipt = self.outlet.gap("a message of \(MQTTText.harmless(omission.topic)) is left out: \(omission)")
        }
        self.unacknowledged += events.takeAcknowledgements()
        // Also where only messages go on that were held before.
        if self.unacknowledged > 0 { self.acknowledgedFrom = receipt.position }
    }

    /// Hands on what was held of a topic that may feed itself, and reports those that do.
    private func releaseHeld(all: Bool) {
        guard self.feedback.isHolding else { return }
        let released = all ? self.feedback.releaseAll() : self.feedback.release(now: .now)
        guard !released.isEmpty else { return }
        self.acknowledgedFrom = self.outlet.send(released, mayBlock: true).position
        let found = self.feedback.takeFound()
        for topic in found {
            self.counters.feedback.increment()
            self.context.logger.warning(
                "Topic feeds itself; its messages are slowed",
                metadata: [
                    "topic": "\(topic)", "reason": "the same message comes again once it has been passed on, and only then",
                ]
            )
        }
        if !found.isEmpty { self.outlet.connected(warning: self.warning) }
        self.hasFeedback = self.hasFeedback || !found.isEmpty
    }

    /// Ends the warning of a topic that no longer feeds itself.
    private func forgetFeedback() {
        guard self.hasFeedback, self.feedback.topics.isEmpty else { return }
        self.hasFeedback = false
        self.outlet.connected(warning: self.warning)
    }

    /// What does not work, for readiness.
    private var warning: String? {
        let topics = self.feedback.topics
        let circle = topics.first.map { "the topic \($0)\(topics.count > 1 ? " and \(topics.count - 1) more" : "") feeds itself" }
        let all = [self.refused.description, circle].compactMap { $0 }
        return all.isEmpty ? nil : all.joined(separator: "; ")
    }

    // MARK: Subscriptions

    /// Asks again for filters that were refused.
    private func askAgain(_ connection: MQTTConnection) throws {
        guard let due = self.refused.next, due <= .now else { return }
        for entry in self.refused.takeDue(now: .now) { try self.ask(for: entry, isGranted: false, connection) }
    }

    /// Looks at the answers to SUBSCRIBE (MQTT 5 §3.9.3, MQTT 3.1.1 §3.9.3) and UNSUBSCRIBE.
    private func noteGranted(_ connection: MQTTConnection) throws {
        let (ended, answers) = (connection.events.takeUnsubscribed(), connection.events.takeSubscribed())
        guard !self.pending.isEmpty || !self.ending.isEmpty else { return }
        let wasPending = !self.pending.isEmpty
        self.ending.subtract(ended)
        for (packet, code) in answers {
            guard let entry = self.pending.removeValue(forKey: packet) else { continue }
            if code < 0x80 { try self.granted(entry, code) } else { try self.refused(entry, code, connection) }
        }
        if self.pending.isEmpty, wasPending || self.ending.isEmpty { try self.noteAllGranted() }
    }

    private func granted(_ entry: MQTTSubscriptionPlan.Entry, _ code: Int32) throws {
        if code == 0 { self.history.hasAtMostOnce.set() }
        if code < entry.subscription.qos {
            self.context.logger.warning(
                "Subscription granted with less than asked for", metadata: ["filter": "\(entry.wireFilter)", "qos": "\(code)"]
            )
        }
        self.history.refused.withLock { $0[entry.wireFilter] = nil }
        guard self.refused.granted(entry) else { return }
        self.context.logger.notice("Subscription granted after a refusal", metadata: ["filter": "\(entry.wireFilter)"])
        // What was remembered as refused is granted now.
        self.unconfirmed = self.remembered
    }

    /// A refused filter leaves the others as they are; only when nothing is left is the connection of no use.
    private func refused(_ entry: MQTTSubscriptionPlan.Entry, _ code: Int32, _ connection: MQTTConnection) throws {
        let reason = self.configuration.connection.version == .five ? " (\(ComponentError.text(code)))" : ""
        self.refused.refused(entry, reason: reason, now: .now)
        guard self.refused.count < self.wanted else {
            throw ComponentError(
                .rejected, "\(connection.peer) refuses the subscription to \(entry.wireFilter)\(reason)", retryAfter: .seconds(30)
            )
        }
        // Once for each filter and reason, however often the broker is asked.
        let isNew = self.history.refused.withLock { $0.updateValue(code, forKey: entry.wireFilter) != code }
        guard isNew else { return }
        self.context.logger.warning(
            "Subscription refused; asking again at intervals", metadata: ["filter": "\(entry.wireFilter)", "reason": "\(code)"]
        )
    }

    private func noteAllGranted() throws {
        self.outlet.connected(warning: self.warning)
        guard self.ending.isEmpty, let entries = self.unconfirmed else { return }
        self.unconfirmed = nil
        try self.memory.granted(entries, but: self.refused.filters)
    }
}
