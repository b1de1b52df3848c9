import NIOCore

/// What a sink takes from: its cursor over the log.
///
/// One per sink, with one consumer. Taking does not move the cursor, confirming does. A sink that is an async function awaits
/// ``next(atMost:)``; one that turns its own loop calls ``poll(atMost:)`` and asks with ``onAvailable(_:)`` to be woken.
package final class SinkInlet: Sendable {
    /// What `poll` finds.
    package enum Poll: Sendable {
        /// At least one delivery, in order.
        case batch([Delivery])
        /// Nothing now.
        case empty
        /// Nothing now and never again: confirm what is under way and return.
        case ended

        /// For waits: `nil` in place of ``empty``.
        var unlessEmpty: Poll? { if case .empty = self { nil } else { self } }
    }

    private let log: DeliveryLog
    private let sink: SinkIndex
    private let status: ComponentStatus
    private let redaction: Redaction
    /// Where the sink's templates need expressions.
    private let preparation: SinkPreparation?

    /// - Parameters:
    ///   - templates: see ``Sink/templates``.
    ///   - redaction: removes the sink's secrets from the reasons of dead letters.
    init(
        log: DeliveryLog, sink: SinkIndex, status: ComponentStatus, templates: [[Template]] = [],
        redaction: Redaction = Redaction()
    ) {
        self.redaction = redaction
        self.log = log
        self.sink = sink
        self.status = status
        let isEvaluated = templates.contains { $0.contains(where: \.isEvaluated) }
        self.preparation =
            isEvaluated ? SinkPreparation(log: log, sink: sink, templates: templates, threads: .file) : nil
    }

    /// When deliveries on a loop pause; all sinks of the loop share it.
    func pacing(of loop: any EventLoop) -> NIOLoopBoundBox<LoopPacing> { self.log.pacings.pacing(of: loop) }

    /// The sink is connected and hands on: readiness, start order, metrics and the back-off want to know.
    ///
    /// Call it on each `run`.
    package func connected() {
        self.status.connected()
    }

    /// Waits for deliveries and takes them, in order.
    ///
    /// - Parameter limit: 1 or more; the batch is smaller when fewer wait.
    /// - Returns: an empty array once the inlet has ended.
    /// - Throws: `CancellationError`.
    package func next(atMost limit: Int) async throws -> [Delivery] {
        let found =
            if let preparation {
                try await preparation.next(atMost: limit)
            } else {
                try await self.log.next(sink: self.sink, atMost: limit)
            }
        return switch found {
        case .batch(let deliveries): deliveries
        case .empty, .ended: []
        }
    }

    /// Takes what waits, without waiting.
    package func poll(atMost limit: Int) -> Poll {
        self.preparation?.poll(atMost: limit) ?? self.log.poll(sink: self.sink, atMost: limit)
    }

    /// Has `notify` called, from any thread, whenever ``poll(atMost:)`` may find more than before; the last one set.
    ///
    /// It must not block and must not call the inlet. `nil` removes it.
    package func onAvailable(_ notify: (@Sendable () -> Void)?) {
        if let preparation { preparation.onAvailable(notify) } else { self.log.observe(sink: self.sink, notify) }
    }

    /// Confirms this delivery and all taken before it: they are safe with the peer.
    package func confirm(through delivery: Delivery) {
        self.log.confirm(sink: self.sink, through: delivery)
        self.status.progressed()
    }

    /// Notes that these deliveries, taken one after the other and about to be confirmed, were published under consecutive numbers.
    ///
    /// For sinks that are asked for what they have published, after a restart too; see ``RestorableSink``.
    package func number(_ deliveries: ArraySlice<Delivery>, from sequence: UInt64) {
        self.log.number(sink: self.sink, deliveries, from: sequence)
    }

    /// Confirms this delivery alone, for sinks whose peer answers out of order.
    ///
    /// Confirming twice does nothing.
    package func confirm(_ delivery: Delivery) {
        self.log.confirm(sink: self.sink, delivery)
        self.status.progressed()
    }

    /// Gives up on one delivery for good: it goes to the dead letters with the reason, or is counted as dropped where there are none.
    ///
    /// - Parameter reason: one sentence without a final stop: what the peer answered, what was expected.
    package func refuse(_ delivery: Delivery, _ reason: String) {
        self.log.refuse(sink: self.sink, delivery, reason: self.redaction.redacted(reason))
        self.status.progressed()
    }

    /// Notes that the peer refuses one delivery for now: with the last of its `retry.attempts` or after `retry.for` it is given up, else it stays in flight.
    ///
    /// Whoever calls it throws soon, so that the back-off begins and what is in flight is offered again. A lost connection is no refusal.
    ///
    /// - Parameter reason: one sentence without a final stop: what the peer answered.
    package func postpone(_ delivery: Delivery, _ reason: String) {
        self.log.postpone(sink: self.sink, delivery, reason: self.redaction.redacted(reason))
    }

    /// Nothing waits and nothing can come.
    var hasEnded: Bool { self.log.hasEnded(sink: self.sink) }

    /// How many deliveries are not confirmed.
    var pending: Int { self.backlog.events }

    /// How many deliveries are not confirmed, and what they weigh in bytes.
    var backlog: (events: Int, bytes: Int) { self.log.backlog(of: self.sink) }

    /// The sink's `run` has ended: what is not confirmed will be offered again.
    func takeBack() {
        if let preparation { preparation.takeBack() } else { self.log.takeBack(sink: self.sink) }
    }
}
