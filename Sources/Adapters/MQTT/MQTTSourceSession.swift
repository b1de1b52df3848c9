import BridgeCore
import Logging
import PollThread
import Synchronization

/// One connection of an MQTT source: it turns libmosquitto's loop, and performs what ``MQTTSourceStateMachine`` decides.
///
/// On its ``PollThread``, which its only method blocks until the connection ends.
///
/// ``MQTTWire`` holds the PUBACK of each message back until it is released here. All other packets go on meanwhile, and so does reading: the
/// messages of QoS 1 that are read then are bounded by the broker's window, and those of QoS 0 need no acknowledgement.
actor MQTTSourceSession {
    /// How many packets are read before the batch is handed on.
    private static let turn = 256

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let configuration: MQTTSource.Configuration
    private let context: ComponentContext
    private let counters: MQTTSource.Counters
    private let history: MQTTSource.History
    private let outlet: SourceOutlet
    private let thread: PollThread

    private let clientID: String
    private var machine: MQTTSourceStateMachine

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
        self.machine = MQTTSourceStateMachine(
            MQTTSourceStateMachine.Settings(
                isFive: configuration.connection.version == .five, subscriptions: configuration.subscriptions,
                keepsSession: configuration.sessionExpiry != .zero, noLocal: configuration.noLocal ?? true
            ),
            carried: history.carried.withLock { $0 }, now: .now
        )
    }

    /// Returns when the outlet is stopping and everything is acknowledged; throws when the connection is lost.
    func run() throws {
        guard let connection = try self.connect() else { return }
        defer {
            self.history.offline.disconnected()
            self.history.carried.withLock { $0 = self.machine.carried }
        }
        try self.subscribe(connection)
        try self.turn(connection)
        connection.close(announcing: self.configuration.connection.will)
    }

    /// - Returns: `nil` when the source shall end before it is connected.
    private func connect() throws -> MQTTConnection? {
        let settings = self.configuration.connection
        let plan = MQTTConnection.Plan(
            clientID: self.clientID, sessionExpiry: self.configuration.sessionExpiry, keepAlive: settings.keepAlive,
            receiveMaximum: UInt16(MQTTAcknowledgementWindow.limit)
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

    /// Requests the filters of the configuration, ends those of an earlier one, and reports a gap.
    private func subscribe(_ connection: MQTTConnection) throws {
        let contents = connection.connack.isSessionPresent ? self.memory.contents() : MQTTSessionMemory.Contents()
        try self.perform(self.machine.connected(connection.connack, remembered: contents), connection)
        try connection.announce(self.configuration.connection.birth)
        // All of it leaves before the first message is read, which could not be acknowledged yet.
        try connection.write()
        while !connection.isFlushed {
            if Task.isCancelled { throw CancellationError() }
            _ = connection.wait(reads: false)
            try connection.write()
        }
        try self.perform(self.machine.requestsWritten(), connection)
    }

    private var memory: MQTTSessionMemory {
        MQTTSessionMemory(
            context: self.context, broker: self.configuration.connection.address.description, clientID: self.clientID,
            packets: self.history.packets, hasAtMostOnce: self.machine.hasAtMostOnce
        )
    }

    private func turn(_ connection: MQTTConnection) throws {
        // What came with the CONNACK is here already.
        var mayHaveMore = true
        while true {
            try Task.checkCancellation()
            try self.history.retained.keep(self.outlet)
            if self.outlet.isStopping { self.machine.stop() }
            try self.perform(self.machine.release(now: .now), connection)
            if self.machine.awaitsSafety { self.machine.safe(upTo: self.outlet.safe) }
            let turn = self.machine.turn(isPaused: self.outlet.demand == .pause, now: .now)
            try self.perform(turn.requests, connection)
            try self.acknowledge(turn.acknowledgements, connection)
            if turn.isLast { return }
            try connection.keepAliveTick(reads: turn.reads)
            if self.machine.isOverdue(now: .now) {
                throw ComponentError(.timedOut, "\(connection.peer) did not answer SUBSCRIBE in time")
            }
            if !(turn.reads && mayHaveMore) {
                let ready = connection.wait(reads: turn.reads, until: self.machine.nextDue)
                guard turn.reads, ready.isReadable else { continue }
            }
            mayHaveMore = try self.read(connection)
        }
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
        let events = connection.events
        do {
            let isNews = self.machine.learned(self.history.packets.session, hasAtMostOnce: events.hasAtMostOnce)
            if isNews { try self.memory.keepPackets() }
        } catch {
            failure = failure ?? error
        }
        self.handOn(events)
        if let failure {
            try self.perform(self.machine.lost(), connection)
            throw failure
        }
        try self.perform(
            self.machine.answered(subscribe: events.takeSubscribed(), unsubscribe: events.takeUnsubscribed(), now: .now),
            connection
        )
        return mayHaveMore
    }

    /// Writes so many acknowledgements, and whatever else is queued.
    private func acknowledge(_ count: Int, _ connection: MQTTConnection) throws {
        guard count > 0 else { return try connection.write() }
        connection.releaseAcknowledgements(count)
        if self.history.packets.acknowledging(), self.configuration.sessionExpiry != .zero {
            // Behind them; the end of a subscription that was never made is answered, and changes nothing.
            let packet = try connection.unsubscribe("streambridge/acknowledged")
            connection.events.question = (packet, self.history.packets.answered)
        }
        try connection.write()
    }

    private func handOn(_ events: MosquittoEvents) {
        guard !events.messages.isEmpty || events.acknowledgements > 0 || !events.omissions.isEmpty else { return }
        let messages = self.machine.messagesRead(
            events.takeMessages(), acknowledgements: events.takeAcknowledgements(), now: .now
        )
        var receipt = self.outlet.send(messages, mayBlock: true)
        for omission in events.takeOmissions() {
            self.context.logger.warning(
                "Message left out", metadata: ["topic": "\(MQTTText.harmless(omission.topic))", "reason": "\(omission)"]
            )
            receipt = self.outlet.gap("a message of \(MQTTText.harmless(omission.topic)) is left out: \(omission)")
        }
        self.machine.handedOn(at: receipt.position)
    }

    // MARK: Actions

    private func perform(_ actions: [MQTTSourceAction], _ connection: MQTTConnection) throws {
        for action in actions { try self.perform(action, connection) }
    }

    private func perform(_ action: MQTTSourceAction, _ connection: MQTTConnection) throws {
        switch action {
        case .read(let plan, let repeatsAhead):
            connection.events.reader = MQTTMessageReader(
                retained: MQTTRetainedPolicy(
                    self.configuration.subscriptions, memory: self.history.retained.memory, ignored: self.counters.ignored
                ),
                plan: plan, identifiers: self.history.packets, dropped: self.counters.copies
            )
            connection.events.repeatsAhead = repeatsAhead
        case .endOffline(let gap):
            guard let period = self.history.offline.connected(), let gap else { return }
            self.outlet.gap("\(period.reason(for: connection.peer)), and \(gap)", during: period)
        case .beginPackets(let session):
            self.history.packets.begin(session)
            self.machine.packetsBegan(self.history.packets.session)
        case .rememberRequests(let entries, let granted, let others):
            try self.memory.asking(for: entries, granted: granted, besides: others)
        case .rememberGranted(let entries, let refused): try self.memory.granted(entries, but: refused)
        case .waitUntilKept: self.waitUntilKept()
        case .subscribe(let entry, let options):
            let packet = try connection.subscribe(
                entry.wireFilter, qos: entry.subscription.qos, options: options, subscription: entry.identifier
            )
            self.machine.requested(entry, as: packet, now: .now)
        case .unsubscribe(let filter):
            self.context.logger.info("Unsubscribing", metadata: ["filter": "\(filter)"])
            self.machine.ending(as: try connection.unsubscribe(filter))
        case .handOn(let messages): self.machine.handedOn(at: self.outlet.send(messages, mayBlock: true).position)
        case .ready: self.outlet.connected(warning: self.machine.warning)
        case .log(let notice): self.log(notice)
        case .refusedAll(let filter, let reason):
            throw ComponentError(
                .rejected, "\(connection.peer) refuses the subscription to \(filter)\(reason)", retryAfter: .seconds(30)
            )
        }
    }

    /// Waits until what is remembered is on disk, and no longer than the source may.
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

    private func log(_ notice: MQTTSourceAction.Notice) {
        switch notice {
        case .unknownSession:
            self.context.logger.warning(
                "The broker has a session that nothing is remembered of: filters that have left the file may still bring messages",
                metadata: ["client_id": "\(self.clientID)"]
            )
        case .grantedLess(let filter, let qos):
            self.context.logger.warning(
                "Subscription granted with less than asked for", metadata: ["filter": "\(filter)", "qos": "\(qos)"]
            )
        case .grantedAfterRefusal(let filter):
            self.context.logger.notice("Subscription granted after a refusal", metadata: ["filter": "\(filter)"])
        case .refused(let filter, let code):
            self.context.logger.warning(
                "Subscription refused; asking again at intervals", metadata: ["filter": "\(filter)", "reason": "\(code)"]
            )
        case .feedback(let topic):
            self.counters.feedback.increment()
            self.context.logger.warning(
                "Topic feeds itself; its messages are slowed",
                metadata: [
                    "topic": "\(topic)", "reason": "the same message comes again once it has been passed on, and only then",
                ]
            )
        }
    }
}
