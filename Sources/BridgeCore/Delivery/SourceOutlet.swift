/// What a source sends into: normalises, routes and appends a batch, and reports to the source what is safe and when to
/// pause.
///
/// One per source. Every call may come from any thread; none of the synchronous ones waits for a sink or an expression.
/// A source with its own thread or event loop polls ``safe``, ``demand`` and ``isStopping`` and is woken through
/// ``onChange(_:)``; an async source awaits ``untilSafe(_:)`` and ``untilDemand()``.
package final class SourceOutlet: Sendable {
    /// The result of `send`.
    package struct Receipt: Sendable, Equatable {
        /// Whether the source may continue to read.
        package let demand: Demand
        /// The position of the batch's last event.
        ///
        /// When ``SourceOutlet/safe`` has reached it, the whole batch is safe.
        package let position: Position
    }

    /// Whether a source may continue to read.
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
    private let appender: SourceAppender
    /// Where expressions decide; `nil` for a source without them, whose events go to the log immediately.
    private let queue: SourceQueue?
    private let status: ComponentStatus
    private let redaction: Redaction

    /// - Parameters:
    ///   - threads: evaluate expressions for this source; `nil` without expressions.
    ///   - redaction: removes the source's secrets from the reasons of gaps and dead letters.
    init(
        log: DeliveryLog, source: SourceIndex, acknowledge: AcknowledgePolicy, intake: sending SourceIntake, emitsGaps: Bool,
        metrics: SourceMetrics, status: ComponentStatus, threads: EvaluationThreads? = nil,
        redaction: Redaction = Redaction()
    ) {
        self.log = log
        self.source = source
        self.acknowledge = acknowledge
        self.opening = intake.opening
        let appender = SourceAppender(log: log, source: source, intake: intake, emitsGaps: emitsGaps, metrics: metrics)
        self.appender = appender
        self.queue = threads.map { SourceQueue(appender, threads: $0) }
        self.status = status
        self.redaction = redaction
    }

    /// Reports that the source is connected and reads; readiness, metrics and the back-off depend on it.
    ///
    /// Call it on each `run`, and again when the warning changes.
    ///
    /// - Parameter warning: what does not work, one sentence for readiness; `nil` when everything does.
    package func connected(warning: String? = nil) {
        self.status.connected(warning: warning)
    }

    /// Reports that the source has nothing to read for now, though its `run` continues; readiness and metrics show it
    /// as not connected.
    ///
    /// The next ``connected(warning:)`` ends that. What is sent in the meantime is accepted as usual.
    ///
    /// - Parameter reason: one sentence without a final stop, such as `the file x does not exist`.
    package func interrupted(_ reason: String) {
        self.status.interrupted(reason)
    }

    /// Normalises, routes and appends a batch, in order.
    ///
    /// Synchronous; never fails and never refuses: an unreadable message becomes an event that says so. An empty batch
    /// changes nothing and returns the position of the last event. Where expressions decide, the batch is appended soon
    /// after the call has returned, so that no event loop waits for them. Positions then count what this source has
    /// sent.
    ///
    /// - Parameter writesThrough: for a source with its own thread: may write a log on disk before the call returns, which
    ///     saves two thread switches. The source is not notified of what became safe by that; it must look.
    package func send(_ messages: consuming [ReceivedMessage], writesThrough: Bool = false) -> Receipt {
        self.status.progressed()
        let messages = messages
        guard let queue else { return self.appender.send(messages, writesThrough: writesThrough) }
        return messages.isEmpty ? queue.receipt : queue.add(.messages(Self.dated(messages)))
    }

    /// Sends one message whose sender needs the event's id.
    ///
    /// - Parameter answer: receives the event's id; for a duplicate the first id, if it derives from the message. `nil`
    ///   when the event is refused because it has crossed too many bridges or came back to this one. Called before the
    ///   call returns or, where expressions decide, later and on another thread, in the order of the messages and
    ///   before the message counts as ``safe``.
    package func send(_ message: ReceivedMessage, answer: @escaping @Sendable (String?) -> Void) -> Receipt {
        self.status.progressed()
        if let queue { return queue.add(.message(Self.dated(message), answer)) }
        let (receipt, id) = self.appender.send(message)
        answer(id)
        return receipt
    }

    /// Sends messages whose senders need their ids immediately.
    ///
    /// - Precondition: ``answersLater`` is false.
    /// - Returns: by message, the event's id as ``send(_:answer:)`` gives it.
    package func sendAll(_ messages: [ReceivedMessage]) -> (receipt: Receipt, ids: [String?]) {
        precondition(self.queue == nil, "ids come later where expressions decide")
        self.status.progressed()
        return self.appender.sendAll(messages)
    }

    /// What `normalise` does with a body before it is read, for a source that checks bodies itself.
    package let opening: NormaliseSettings.Opening

    /// Whether ``send(_:answer:)`` answers after it has returned.
    package var answersLater: Bool { self.queue != nil }

    /// Reports a known loss: counted, logged, and carried as a gap event to every route of the source.
    ///
    /// Losses of one kind within a second are counted separately. They are logged and carried as one, at the end of
    /// that second or of the source; an outage is carried immediately. For a waiting loss, the receipt has the position
    /// of the last event.
    ///
    /// - Parameters:
    ///   - kind: which losses are reported together.
    ///   - reason: one sentence without a final stop, such as `the connection to redis://… was lost for 3 s`.
    ///   - subject: what may have been lost, such as the channel; empty when it is everything.
    ///   - period: when it may have been lost: `from` and `to` in the payload of the gap event.
    @discardableResult
    package func gap(
        _ kind: GapKind, _ reason: String, subject: String = "", during period: OfflinePeriod? = nil
    ) -> Receipt {
        let loss = SourceLoss(kind: kind, reason: self.redaction.redacted(reason), subject: subject, period: period)
        guard let queue else { return self.appender.gap(loss) }
        return queue.add(.gap(loss))
    }

    /// Abandons a message that the peer has delivered too often: a log on disk keeps it as a dead letter, otherwise it
    /// is reported as a gap.
    ///
    /// A known message, as an event or as a dead letter, is neither: only its acknowledgement was lost.
    ///
    /// - Parameters:
    ///   - reason: one sentence without a final stop.
    ///   - attempts: how often the peer has delivered it.
    package func giveUp(_ message: ReceivedMessage, reason: String, attempts: Int) -> Receipt {
        let reason = self.redaction.redacted(reason)
        guard let queue else { return self.appender.giveUp(message, reason: reason, attempts: attempts) }
        return queue.add(.givenUp(Self.dated(message), reason: reason, attempts: attempts))
    }

    /// Sets the time of waiting messages to now, not to when they are processed.
    private static func dated(_ messages: [ReceivedMessage]) -> [ReceivedMessage] {
        let now = Timestamp.now()
        return messages.map { Self.dated($0, now) }
    }

    private static func dated(_ message: ReceivedMessage, _ now: Timestamp = .now()) -> ReceivedMessage {
        guard message.timestamp == nil else { return message }
        var message = message
        message.timestamp = now
        return message
    }

    /// The position up to which everything of this source is safe by its ``acknowledge`` policy.
    ///
    /// Never moves back.
    package var safe: Position {
        self.queue?.safe ?? self.appender.mark.safe
    }

    /// Whether the source may read now.
    package var demand: Demand {
        let isPaused = self.queue?.isPaused ?? self.appender.mark.isPaused
        return isPaused ? .pause : .more
    }

    /// Whether the source must end: read no more, wait for what is sent, acknowledge, return from `run`.
    package var isStopping: Bool {
        self.appender.mark.isStopping
    }

    /// Sets the callback for when ``safe``, ``demand`` or ``isStopping`` changed, from any thread; it replaces the
    /// previous one.
    ///
    /// It must not block and must not call the outlet: wake a thread, schedule a task. `nil` removes it.
    package func onChange(_ notify: (@Sendable () -> Void)?) {
        self.appender.changed.observe(notify)
        self.queue?.onChange(notify)
    }

    /// Waits until ``safe`` has reached a position.
    ///
    /// - Throws: `CancellationError`. Stopping does not end the wait.
    package func untilSafe(_ position: Position) async throws {
        if let queue { return try await queue.untilSafe(position) }
        try await self.appender.wait { $0.safe >= position }
    }

    /// Waits until ``demand`` is `more` or the source is stopping.
    package func untilDemand() async throws {
        // Both may change while the other is awaited; a source that resumes a little early meets the next pause.
        try await self.queue?.untilRoom()
        try await self.appender.wait { !$0.isPaused || $0.isStopping }
    }

    /// Waits until ``isStopping``.
    package func untilStopping() async throws {
        try await self.appender.wait { $0.isStopping }
    }

    /// Waits until ``isStopping``, but no longer than `limit`.
    func untilStopping(atMost limit: Duration) async throws {
        try await race({ try await self.untilStopping() }, { try await Task.sleep(for: limit) })
    }

    /// Reports waiting losses when they are due, until it is cancelled; called once.
    func reportDueGaps() async throws {
        try await self.appender.reportDueGaps()
    }

    /// Waits until everything sent is in the log, including losses that wait for their report; a cancellation ends the
    /// wait.
    func untilAppended() async {
        // What is not in the log by then was not acknowledged, and is counted by ``unappended``.
        try? await self.queue?.untilEmpty()
        self.appender.reportAllGaps()
    }

    /// What appends to the log, for a reload.
    var routing: SourceAppender { self.appender }

    /// The number of events that were sent and are not in the log.
    var unappended: Int { self.queue?.count ?? 0 }

    /// Asks the source to end.
    func stop() {
        self.log.stop(source: self.source)
    }
}
