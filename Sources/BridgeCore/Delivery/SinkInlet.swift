import NIOCore
import PollThread

/// What a sink reads from: its cursor over the log.
///
/// One per sink, with one consumer. Reading does not move the cursor; confirming does. A sink that is an async function
/// awaits ``next(atMost:)``; one with its own loop calls ``poll(atMost:)`` and is woken through ``onAvailable(_:)``.
package final class SinkInlet: Sendable {
    /// What `poll` finds.
    package enum Poll: Sendable {
        /// At least one delivery, in order.
        case batch([Delivery])
        /// Nothing now.
        case empty
        /// Nothing now and never again: confirm what is in flight and return.
        case ended

        /// For waits: `nil` in place of ``empty``.
        var unlessEmpty: Poll? { if case .empty = self { nil } else { self } }
    }

    private let log: DeliveryLog
    private let sink: SinkIndex
    private let status: ComponentStatus
    private let redaction: Redaction
    /// Whether another inlet has taken the sink over.
    private let isRevoked = Flag()
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

    /// The pacing that all sinks of the loop share.
    func pacing(of loop: any EventLoop) -> NIOLoopBoundBox<EventLoopPacing> { self.log.pacings.pacing(of: loop) }

    /// Reports that the sink is connected and delivers; readiness, start order, metrics and the back-off depend on it.
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

    /// Takes waiting deliveries, without waiting.
    package func poll(atMost limit: Int) -> Poll {
        if self.isRevoked.isSet { return .ended }
        return self.preparation?.poll(atMost: limit) ?? self.log.poll(sink: self.sink, atMost: limit)
    }

    /// Sets the callback for when ``poll(atMost:)`` may find more, from any thread; it replaces the previous one.
    ///
    /// It must not block and must not call the inlet. `nil` removes it.
    package func onAvailable(_ notify: (@Sendable () -> Void)?) {
        guard !self.isRevoked.isSet else { return }
        if let preparation { preparation.onAvailable(notify) } else { self.log.observe(sink: self.sink, notify) }
    }

    /// Confirms this delivery and all taken before it: they are safe with the peer.
    package func confirm(through delivery: Delivery) {
        guard !self.isRevoked.isSet else { return }
        self.log.confirm(sink: self.sink, through: delivery)
        self.status.progressed()
    }

    /// Records that these deliveries, taken one after the other and about to be confirmed, were published under
    /// consecutive numbers.
    ///
    /// For sinks that must list what they have published, also after a restart; see ``RestorableSink``.
    ///
    /// - Parameter snapshot: how the last events of each key have changed that the sink keeps; a durable log writes them
    ///   together with the numbers.
    package func number(_ deliveries: ArraySlice<Delivery>, from sequence: UInt64, snapshot: SnapshotChanges = SnapshotChanges())
    {
        guard !self.isRevoked.isSet else { return }
        self.log.number(sink: self.sink, deliveries, from: sequence, snapshot: snapshot)
    }

    /// Confirms this delivery alone, for sinks whose peer answers out of order.
    ///
    /// Repeated confirmations have no effect.
    package func confirm(_ delivery: Delivery) {
        guard !self.isRevoked.isSet else { return }
        self.log.confirm(sink: self.sink, delivery)
        self.status.progressed()
    }

    /// Abandons one delivery permanently: it becomes a dead letter with the reason, or is dropped and counted without a
    /// dead-letter sink.
    ///
    /// - Parameter reason: one sentence without a final stop: what the peer answered, what was expected.
    package func refuse(_ delivery: Delivery, _ reason: String) {
        guard !self.isRevoked.isSet else { return }
        self.log.refuse(sink: self.sink, delivery, reason: self.redaction.redacted(reason))
        self.status.progressed()
    }

    /// Records a temporary refusal of one delivery, which stays in flight until `retry.attempts` or `retry.for` is
    /// exhausted.
    ///
    /// The caller throws soon, so that the back-off begins and what is in flight is offered again. A lost connection is
    /// not a refusal.
    ///
    /// - Parameter reason: one sentence without a final stop: what the peer answered.
    package func postpone(_ delivery: Delivery, _ reason: String) {
        guard !self.isRevoked.isSet else { return }
        self.log.postpone(sink: self.sink, delivery, reason: self.redaction.redacted(reason))
    }

    /// Ends the inlet, so that the sink is given nothing more; what is pending stays.
    func suspend() {
        self.log.suspend(sink: self.sink)
    }

    /// Ends the use of the inlet, after the sink's last `run`: a late call has no effect on the inlet that follows.
    func revoke() {
        self.isRevoked.set()
        if let preparation { preparation.revoke() } else { self.log.observe(sink: self.sink, nil) }
    }

    /// Whether nothing waits and nothing can come.
    var hasEnded: Bool { self.log.hasEnded(sink: self.sink) }

    /// The number of unconfirmed deliveries.
    var pending: Int { self.backlog.events }

    /// The number of unconfirmed deliveries, and their weight in bytes.
    var backlog: (events: Int, bytes: Int) { self.log.backlog(of: self.sink) }

    /// Offers unconfirmed deliveries again, after the sink's `run` has ended.
    func reclaim() {
        if let preparation { preparation.reclaim() } else { self.log.reclaim(sink: self.sink) }
    }
}
