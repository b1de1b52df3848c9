import Synchronization

/// What a source sends into: normalises, routes and appends a batch, and tells the source what is safe and when to pause.
///
/// One per source. Every call may come from any thread; none of the synchronous ones waits for a sink. A source that holds its own
/// thread or event loop polls ``safe``, ``demand`` and ``isStopping`` and asks with ``onChange(_:)`` to be woken; one that is an async
/// function awaits ``untilSafe(_:)`` and ``untilDemand()``.
package final class SourceOutlet: Sendable {
    /// What `send` answers.
    package struct Receipt: Sendable, Equatable {
        /// Whether the source may go on reading.
        package let demand: Demand
        /// The place of the batch's last event.
        ///
        /// When ``SourceOutlet/safe`` has reached it, all the batch is safe.
        package let position: Position
    }

    /// Whether a source may read on.
    package enum Demand: Sendable {
        case more
        /// Stop reading now; what was read already may still be sent and is not refused.
        case pause
    }

    /// How many ``ReceivedMessage/repeatKey``s of a source are remembered.
    package static let repeatMemory = 4096

    /// How `ack:` in the file defines "safe".
    package let acknowledge: AcknowledgePolicy

    private let log: DeliveryLog
    private let source: SourceIndex
    private let intake: Mutex<SourceIntake>
    private let emitsGaps: Bool
    private let tallies: SourceTallies
    private let status: ComponentStatus

    init(
        log: DeliveryLog, source: SourceIndex, acknowledge: AcknowledgePolicy, intake: sending SourceIntake, emitsGaps: Bool,
        tallies: SourceTallies, status: ComponentStatus
    ) {
        self.log = log
        self.source = source
        self.acknowledge = acknowledge
        self.intake = Mutex(intake)
        self.emitsGaps = emitsGaps
        self.tallies = tallies
        self.status = status
    }

    /// The source is connected and reads: readiness, metrics and the back-off want to know.
    ///
    /// Call it on each `run`, and again when the warning changes.
    ///
    /// - Parameter warning: what does not work all the same, one sentence for readiness; `nil` when everything does.
    package func connected(warning: String? = nil) {
        self.status.connected(warning: warning)
    }

    /// Normalises, routes and appends a batch, in order.
    ///
    /// Synchronous; never fails and never refuses: what cannot be read becomes an event that says so. An empty batch changes
    /// nothing and answers the position of the last event.
    ///
    /// - Parameter mayBlock: for a source on a thread of its own: a log on disk may be written on it before the call returns, which spares
    ///   two changes of threads. The source is not told of what became safe by that, it looks.
    package func send(_ messages: consuming [ReceivedMessage], mayBlock: Bool = false) -> Receipt {
        self.status.progressed()
        let messages = messages
        // Appended under the intake's lock: two threads of one source must not overtake each other between the two steps.
        let receipt = self.intake.withLock { intake in
            let records = intake.records(of: messages)
            return self.log.append(
                records, repeated: intake.repeatedSinks, source: self.source, wakesWriter: !mayBlock)
        }
        if mayBlock { self.log.write(for: self.source) }
        return receipt
    }

    /// Like the batch for one message whose sender wants to know its id.
    ///
    /// - Returns: the event's id, for a message that was here before the one that it got then where the message decides it; `nil` when the event has crossed too many bridges or came back to this one and is refused.
    package func send(_ message: ReceivedMessage) -> (receipt: Receipt, id: String?) {
        self.status.progressed()
        return self.intake.withLock { intake in
            let records = intake.records(of: [message])
            let receipt = self.log.append(records, repeated: intake.repeatedSinks, source: self.source)
            return (receipt, intake.lastID)
        }
    }

    /// Tells of a loss that the source knows of: counted, logged, and carried as a gap event to every route of the source.
    ///
    /// - Parameters:
    ///   - reason: one sentence without a final stop, such as `the connection to redis://… was lost for 3 s`.
    ///   - subject: what may have been lost, such as the channel; empty when it is everything.
    ///   - period: when it may have been lost: `from` and `to` in the payload of the gap event.
    @discardableResult
    package func gap(_ reason: String, subject: String = "", during period: OfflinePeriod? = nil) -> Receipt {
        self.tallies.gap(reason)
        guard self.emitsGaps else { return self.log.append([], source: self.source) }
        return self.intake.withLock { intake in
            self.log.append(
                [intake.record(ofGap: reason, subject: subject, payload: period?.payload)], source: self.source)
        }
    }

    /// Gives up a message that the peer has handed out too often: it is kept as a dead letter where the log can, else told as a gap.
    ///
    /// One that may be repeated and is known already, as an event or as given up, is neither: only its acknowledgement was lost.
    ///
    /// - Parameters:
    ///   - reason: one sentence without a final stop.
    ///   - attempts: how often the peer has handed it out.
    package func giveUp(_ message: ReceivedMessage, reason: String, attempts: Int) -> Receipt {
        guard let event = self.intake.withLock({ $0.eventToGiveUp(of: message) }) else {
            return self.log.append([], source: self.source)
        }
        let kept = self.log.keep(event, repeatKey: message.repeatKey, reason: reason, attempts: attempts, source: self.source)
        guard let receipt = kept else {
            return self.gap(reason, subject: message.subject)
        }
        self.tallies.givenUp(reason)
        return receipt
    }

    /// Everything this source has sent up to here is safe by its ``acknowledge`` policy.
    ///
    /// Never moves back.
    package var safe: Position {
        self.log.watermark(of: self.source) { $0.safe }
    }

    /// Whether the source may read now.
    package var demand: Demand {
        self.log.watermark(of: self.source) { $0.isPaused ? .pause : .more }
    }

    /// True once the source shall end: read no more, wait for what is sent, acknowledge, return from `run`.
    package var isStopping: Bool {
        self.log.watermark(of: self.source) { $0.isStopping }
    }

    /// Has `notify` called, from any thread, whenever ``safe``, ``demand`` or ``isStopping`` changed; at most one observer, the
    /// last one set.
    ///
    /// It must not block and must not call the outlet: wake a thread, schedule a task. `nil` removes it.
    package func onChange(_ notify: (@Sendable () -> Void)?) {
        self.log.observe(source: self.source, notify)
    }

    /// Waits until ``safe`` has reached a position.
    ///
    /// - Throws: `CancellationError`. Stopping does not end the wait.
    package func untilSafe(_ position: Position) async throws {
        try await self.log.wait(source: self.source) { $0.safe >= position }
    }

    /// Waits until ``demand`` is `more` or the source is stopping.
    package func untilDemand() async throws {
        try await self.log.wait(source: self.source) { !$0.isPaused || $0.isStopping }
    }

    /// Waits until ``isStopping``.
    package func untilStopping() async throws {
        try await self.log.wait(source: self.source) { $0.isStopping }
    }

    /// Waits until ``isStopping``, but no longer than `limit`.
    func untilStopping(atMost limit: Duration) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.untilStopping() }
            group.addTask { try await Task.sleep(for: limit) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Tells the source to end.
    func stop() {
        self.log.stop(source: self.source)
    }
}
