/// What a source sends into: normalises, routes and appends a batch, and tells the source what is safe and when to pause.
///
/// One per source. Every call may come from any thread; none of the synchronous ones waits for a sink or an expression. A source that holds its own
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
    private let appender: SourceAppender
    /// Where expressions decide; `nil` for a source that needs none and whose events go into the log at once.
    private let queue: SourceQueue?
    private let status: ComponentStatus
    private let redaction: Redaction

    /// - Parameters:
    ///   - threads: evaluate expressions for this source; `nil` when it needs none.
    ///   - redaction: removes the source's secrets from the reasons of gaps and dead letters.
    init(
        log: DeliveryLog, source: SourceIndex, acknowledge: AcknowledgePolicy, intake: sending SourceIntake, emitsGaps: Bool,
        metrics: SourceMetrics, status: ComponentStatus, threads: EvaluationThreads? = nil,
        redaction: Redaction = Redaction()
    ) {
        self.log = log
        self.source = source
        self.acknowledge = acknowledge
        let appender = SourceAppender(log: log, source: source, intake: intake, emitsGaps: emitsGaps, metrics: metrics)
        self.appender = appender
        self.queue = threads.map { SourceQueue(appender, threads: $0) }
        self.status = status
        self.redaction = redaction
    }

    /// The source is connected and reads: readiness, metrics and the back-off want to know.
    ///
    /// Call it on each `run`, and again when the warning changes.
    ///
    /// - Parameter warning: what does not work all the same, one sentence for readiness; `nil` when everything does.
    package func connected(warning: String? = nil) {
        self.status.connected(warning: warning)
    }

    /// What the source reads cannot be used for now, though its `run` goes on: readiness and metrics report the source as not connected.
    ///
    /// The next ``connected(warning:)`` ends that. What is sent meanwhile is taken as ever.
    ///
    /// - Parameter reason: one sentence without a final stop, such as `the file x is not there`.
    package func interrupted(_ reason: String) {
        self.status.interrupted(reason)
    }

    /// Normalises, routes and appends a batch, in order.
    ///
    /// Synchronous; never fails and never refuses: what cannot be read becomes an event that says so. An empty batch changes
    /// nothing and answers the position of the last event. Where expressions decide, the batch is appended soon after the call has returned,
    /// so that no event loop waits for them; positions then count what this source has sent.
    ///
    /// - Parameter writesThrough: for a source on a thread of its own: a log on disk may be written on it before the call returns, which spares
    ///   two changes of threads. The source is not told of what became safe by that, it looks.
    package func send(_ messages: consuming [ReceivedMessage], writesThrough: Bool = false) -> Receipt {
        self.status.progressed()
        let messages = messages
        guard let queue else { return self.appender.send(messages, writesThrough: writesThrough) }
        return messages.isEmpty ? queue.receipt : queue.add(.messages(Self.dated(messages)))
    }

    /// Like the batch for one message whose sender wants to know its id.
    ///
    /// - Parameter answer: gets the event's id, for a message that was here before the one that it got then where the message decides it; `nil`
    ///   when the event has crossed too many bridges or came back to this one and is refused. Called before the call returns or,
    ///   where expressions decide, later and on another thread, in the order of the messages and before the message counts as ``safe``.
    package func send(_ message: ReceivedMessage, answer: @escaping @Sendable (String?) -> Void) -> Receipt {
        self.status.progressed()
        if let queue { return queue.add(.message(Self.dated(message), answer)) }
        let (receipt, id) = self.appender.send(message)
        answer(id)
        return receipt
    }

    /// Like the batch for messages whose senders want to know their ids at once.
    ///
    /// - Precondition: ``answersLater`` is false.
    /// - Returns: by message, the event's id as ``send(_:answer:)`` gives it.
    package func sendAll(_ messages: [ReceivedMessage]) -> (receipt: Receipt, ids: [String?]) {
        precondition(self.queue == nil, "expressions decide where the events go")
        self.status.progressed()
        return self.appender.sendAll(messages)
    }

    /// Whether ``send(_:answer:)`` answers after it has returned.
    package var answersLater: Bool { self.queue != nil }

    /// Reports a loss that the source knows of: counted, logged, and carried as a gap event to every route of the source.
    ///
    /// Losses of one kind that follow each other within a second are counted each, and logged and carried as one, at the end of that second or
    /// of the source; an outage is carried at once. What is answered for one that waits is the position of the last event.
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

    /// Gives up a message that the peer has handed out too often: it is kept as a dead letter where the log can, else told as a gap.
    ///
    /// One that may be repeated and is known already, as an event or as given up, is neither: only its acknowledgement was lost.
    ///
    /// - Parameters:
    ///   - reason: one sentence without a final stop.
    ///   - attempts: how often the peer has handed it out.
    package func giveUp(_ message: ReceivedMessage, reason: String, attempts: Int) -> Receipt {
        let reason = self.redaction.redacted(reason)
        guard let queue else { return self.appender.giveUp(message, reason: reason, attempts: attempts) }
        return queue.add(.givenUp(Self.dated(message), reason: reason, attempts: attempts))
    }

    /// Messages that wait have come now, not when it is their turn.
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

    /// Everything this source has sent up to here is safe by its ``acknowledge`` policy.
    ///
    /// Never moves back.
    package var safe: Position {
        self.queue?.safe ?? self.log.marks[self.source].safe
    }

    /// Whether the source may read now.
    package var demand: Demand {
        let isPaused = self.queue?.isPaused ?? self.log.marks[self.source].isPaused
        return isPaused ? .pause : .more
    }

    /// True once the source shall end: read no more, wait for what is sent, acknowledge, return from `run`.
    package var isStopping: Bool {
        self.log.marks[self.source].isStopping
    }

    /// Has `notify` called, from any thread, whenever ``safe``, ``demand`` or ``isStopping`` changed; at most one observer, the
    /// last one set.
    ///
    /// It must not block and must not call the outlet: wake a thread, schedule a task. `nil` removes it.
    package func onChange(_ notify: (@Sendable () -> Void)?) {
        self.log.observe(source: self.source, notify)
        self.queue?.onChange(notify)
    }

    /// Waits until ``safe`` has reached a position.
    ///
    /// - Throws: `CancellationError`. Stopping does not end the wait.
    package func untilSafe(_ position: Position) async throws {
        if let queue { return try await queue.untilSafe(position) }
        try await self.log.wait(source: self.source) { $0.safe >= position }
    }

    /// Waits until ``demand`` is `more` or the source is stopping.
    package func untilDemand() async throws {
        // Both may change while the other is awaited; who goes on a little early only meets the next pause.
        try await self.queue?.untilRoom()
        try await self.log.wait(source: self.source) { !$0.isPaused || $0.isStopping }
    }

    /// Waits until ``isStopping``.
    package func untilStopping() async throws {
        try await self.log.wait(source: self.source) { $0.isStopping }
    }

    /// Waits until ``isStopping``, but no longer than `limit`.
    func untilStopping(atMost limit: Duration) async throws {
        try await race({ try await self.untilStopping() }, { try await Task.sleep(for: limit) })
    }

    /// Reports losses that wait when they are due, until it is cancelled; called once.
    func reportDueGaps() async throws {
        try await self.appender.reportDueGaps()
    }

    /// Waits until everything that was sent is in the log, losses that wait for their report included; a cancellation ends the wait.
    func untilAppended() async {
        // What is not in the log then was acknowledged to nobody, and is counted by ``unappended``.
        try? await self.queue?.untilEmpty()
        self.appender.reportAllGaps()
    }

    /// Events that were sent and are not in the log.
    var unappended: Int { self.queue?.count ?? 0 }

    /// Tells the source to end.
    func stop() {
        self.log.stop(source: self.source)
    }
}
