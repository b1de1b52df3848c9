import BridgeCore
import Logging
import Mosquitto
import PollThread
import Synchronization

/// One connection of an MQTT source: runs libmosquitto's loop, and performs the decisions of
/// ``MQTTSourceStateMachine``.
///
/// Runs on its ``PollThread``; ``run()`` blocks that thread until the connection ends.
///
/// The connection holds the PUBACK of each message until the session acknowledges it. All other packets continue, and
/// so does reading: the broker's window limits the unacknowledged messages of QoS 1, and those of QoS 0 need no
/// acknowledgement.
actor MQTTSourceSession {
    /// How many packets are read before the batch is forwarded.
    private static let batchLimit = 256

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let configuration: MQTTSource.Configuration
    private let context: ComponentContext
    private let counters: MQTTSource.Counters
    private let history: MQTTSource.History
    private let outlet: SourceOutlet
    private let thread: PollThread

    private let clientID: String
    private let inbox = MQTTSourceInbox()
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

    /// Returns when the outlet is stopping and everything is acknowledged.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or is lost; `CancellationError`.
    func run() throws {
        do {
            try self.runConnection()
        } catch let error as MosquittoError {
            throw ComponentError.of(error, self.configuration.connection, clientID: self.clientID)
        }
    }

    private func runConnection() throws {
        guard let connection = try self.connect() else { return }
        defer {
            self.history.offline.disconnected()
            self.history.carried.withLock { $0 = self.machine.carried }
        }
        do {
            // A source that stops before it has read anything has nothing to acknowledge.
            if try self.subscribe(connection) { try self.step(connection) }
        } catch {
            self.history.takeovers.ended(connection, logger: self.context.logger)
            throw error
        }
        connection.close(publishesWill: true)
    }

    /// - Returns: `nil` when the source must end before it is connected.
    private func connect() throws -> MosquittoConnection? {
        var options = self.configuration.connection.options(
            clientID: self.clientID, sessionExpiry: self.configuration.sessionExpiry
        )
        options.receiveMaximum = UInt16(MQTTPubackWindow.limit)
        do {
            let connection = try MosquittoConnection.connect(
                options, thread: self.thread, isUnwanted: { self.outlet.isStopping },
                receive: { [inbox] event in inbox.receive(event) }
            )
            var metadata = connection.metadata
            metadata["session"] = "\(connection.connack.isSessionPresent ? "resumed" : "new")"
            self.context.logger.notice("Connected", metadata: metadata)
            return connection
        } catch is CancellationError {
            if self.outlet.isStopping, !Task.isCancelled { return nil }
            throw CancellationError()
        }
    }

    /// Requests the filters of the configuration, ends those of an earlier one, and reports a gap.
    ///
    /// - Returns: false when the source stops before its requests are sent.
    private func subscribe(_ connection: MosquittoConnection) throws -> Bool {
        let contents = connection.connack.isSessionPresent ? self.memory.contents() : MQTTSessionMemory.Contents()
        try self.perform(self.machine.connected(connection.connack, remembered: contents), connection)
        try connection.announce(self.configuration.connection.birth)
        // All requests are sent before the first message is read, which could not be acknowledged yet.
        try connection.flush()
        while !connection.isFlushed {
            if Task.isCancelled { throw CancellationError() }
            if self.outlet.isStopping { return false }
            try connection.ping(reads: false)
            _ = connection.wait(reads: false)
            try connection.flush()
        }
        try self.perform(self.machine.requestsWritten(), connection)
        return true
    }

    private var memory: MQTTSessionMemory {
        MQTTSessionMemory(
            context: self.context, broker: self.configuration.connection.address.description, clientID: self.clientID,
            packets: self.history.packets, hasAtMostOnce: self.machine.hasAtMostOnce
        )
    }

    private func step(_ connection: MosquittoConnection) throws {
        // Packets that arrived with the CONNACK are here already.
        var mayHaveMore = true
        while true {
            try Task.checkCancellation()
            try self.history.retained.keep(self.outlet)
            if self.outlet.isStopping { self.machine.stop() }
            try self.perform(self.machine.release(now: .now), connection)
            if self.machine.awaitsSafety { self.machine.safe(upTo: self.outlet.safe) }
            let isClogged = connection.isClogged
            let step = self.machine.step(isPaused: isClogged || self.outlet.demand == .pause, now: .now)
            try self.perform(step.requests, connection)
            try self.acknowledge(step.acknowledgements, connection)
            if step.isLast { return }
            try connection.ping(reads: step.reads)
            if self.machine.isOverdue(now: .now) {
                throw ComponentError(.timedOut, "\(connection.peer) did not answer SUBSCRIBE in time")
            }
            // Bytes have just been sent; no further readiness event will report that.
            if isClogged, !connection.isClogged { continue }
            if !(step.reads && mayHaveMore) {
                let ready = connection.wait(reads: step.reads, until: self.machine.waitEnd)
                guard step.reads, ready.isReadable else { continue }
            }
            mayHaveMore = try self.read(connection)
        }
    }

    /// Reads one batch and forwards it.
    ///
    /// - Returns: true when there may be more.
    private func read(_ connection: MosquittoConnection) throws -> Bool {
        var mayHaveMore = false
        var failure: (any Error)?
        do {
            mayHaveMore = try connection.receive(atMost: Self.batchLimit)
        } catch {
            // Messages read before the connection was lost are forwarded nevertheless.
            failure = error
        }
        do {
            let hasChanged = self.machine.learned(self.history.packets.session, hasAtMostOnce: self.inbox.hasAtMostOnce)
            if hasChanged { try self.memory.keepPackets() }
        } catch {
            failure = failure ?? error
        }
        self.forward()
        if let failure {
            try self.perform(self.machine.lost(), connection)
            throw failure
        }
        try self.perform(
            self.machine.answered(
                subscribe: self.inbox.takeSubscribed(), unsubscribe: self.inbox.takeUnsubscribed(), now: .now
            ),
            connection
        )
        return mayHaveMore
    }

    /// Writes the PUBACKs of the oldest messages, and all other queued packets.
    private func acknowledge(_ count: Int, _ connection: MosquittoConnection) throws {
        guard count > 0 else { return try connection.flush() }
        connection.acknowledge(oldest: count)
        if self.history.packets.acknowledging(), self.configuration.sessionExpiry != .zero {
            // The broker answers in order, so this UNSUBACK shows that it has processed the PUBACKs before it. Nobody has
            // subscribed to the filter, so the request changes nothing.
            let packet = try connection.unsubscribe("streambridge/acknowledged")
            self.inbox.barrier = (packet, self.history.packets.answered)
        }
        try connection.flush()
    }

    private func forward() {
        let inbox = self.inbox
        guard !inbox.messages.isEmpty || inbox.acknowledgements > 0 || !inbox.omissions.isEmpty else { return }
        let bytes = inbox.messageBytes
        let messages = self.machine.messagesRead(
            inbox.takeMessages(), acknowledgements: inbox.takeAcknowledgements(), bytes: bytes, now: .now
        )
        var receipt = self.outlet.send(messages, writesThrough: true)
        for omission in inbox.takeOmissions() {
            receipt = self.outlet.gap(.omission, "a message of \(MQTTText.harmless(omission.topic)) was skipped: \(omission)")
        }
        self.machine.forwarded(at: receipt.position)
    }

    // MARK: Actions

    private func perform(_ actions: [MQTTSourceAction], _ connection: MosquittoConnection) throws {
        for action in actions { try self.perform(action, connection) }
    }

    private func perform(_ action: MQTTSourceAction, _ connection: MosquittoConnection) throws {
        switch action {
        case .read(let plan, let repeatsAhead):
            self.inbox.reader = MQTTMessageReader(
                retained: MQTTRetainedPolicy(
                    self.configuration.subscriptions, memory: self.history.retained.memory, ignored: self.counters.ignored
                ),
                plan: plan, identifiers: self.history.packets, dropped: self.counters.copies
            )
            self.inbox.repeatsAhead = repeatsAhead
        case .endOffline(let gap):
            guard let period = self.history.offline.connected(), let gap else { return }
            self.outlet.gap(.outage, "\(period.reason(for: connection.peer)), and \(gap)", during: period)
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
        case .forward(let messages): self.machine.forwarded(at: self.outlet.send(messages, writesThrough: true).position)
        case .ready: self.outlet.connected(warning: self.machine.warning)
        case .log(let notice): self.log(notice)
        case .refusedAll(let filter, let reason):
            throw ComponentError(
                .rejected, "\(connection.peer) refuses the subscription to \(filter)\(reason)", retryAfter: .seconds(30)
            )
        }
    }

    /// Waits until the stored state is on disk, or the source ends.
    private func waitUntilKept() {
        let isKept = Flag()
        self.context.cursors.onceKept { [thread = self.thread] in
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
                "Broker has a session with unknown filters; filters removed from the file may still deliver messages",
                metadata: ["client_id": "\(self.clientID)"]
            )
        case .grantedLess(let filter, let qos):
            self.context.logger.warning(
                "Subscription granted with a lower qos than requested", metadata: ["filter": "\(filter)", "qos": "\(qos)"]
            )
        case .grantedAfterRefusal(let filter):
            self.context.logger.notice("Subscription granted after a refusal", metadata: ["filter": "\(filter)"])
        case .refused(let filter, let code):
            self.context.logger.warning(
                "Subscription refused; retrying at intervals", metadata: ["filter": "\(filter)", "reason": "\(code)"]
            )
        case .feedback(let topic):
            self.counters.feedback.increment()
            self.context.logger.warning(
                "Feedback loop detected; messages of the topic are slowed",
                metadata: [
                    "topic": "\(topic)", "reason": "the same message returns each time it is forwarded, and only then",
                ]
            )
        }
    }
}
