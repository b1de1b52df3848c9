import Logging

/// Counts and logs what happens to deliveries, per sink.
///
/// Called once per batch and never under the log's lock. Thread-safe.
final class DeliveryMetrics: Sendable {
    /// By index; `nil` for one that no sink has.
    private let sinks: [Sink?]
    private let unrouted: BurstLog

    init(sinks: [(metrics: ComponentMetrics, logger: Logger)], metrics: Metrics, logger: Logger) {
        self.sinks = sinks.map { Sink(metrics: $0.metrics, logger: $0.logger) }
        let counter = metrics.counter("streambridge_events_unrouted_total", help: "Events that matched no route.")
        self.unrouted = BurstLog("No route matches the event", level: .info, counter: counter, logger: logger)
    }

    /// Those of another configuration.
    ///
    /// - Parameter sinks: by index: the metrics of a sink that is replaced or added, `nil` for one that is kept or none.
    init(following metrics: DeliveryMetrics, sinks: [(metrics: ComponentMetrics, logger: Logger)?]) {
        self.sinks = sinks.enumerated().map { index, sink in
            let known = metrics.sinks.indices.contains(index) ? metrics.sinks[index] : nil
            return sink.map { Sink(metrics: $0.metrics, logger: $0.logger) } ?? known
        }
        self.unrouted = metrics.unrouted
    }

    func confirmed(sink: SinkIndex, _ deliveries: [Delivery]) {
        guard let first = deliveries.first else { return }
        guard let sink = self.sinks[sink.rawValue] else { return }
        sink.sent.increment(by: deliveries.count)
        let now = ContinuousClock.now
        var accepted = first.accepted
        var count = 0
        for delivery in deliveries {
            if delivery.accepted != accepted {
                sink.latency.observe(now - accepted, count: count)
                (accepted, count) = (delivery.accepted, 0)
            }
            count += 1
        }
        sink.latency.observe(now - accepted, count: count)
        guard sink.logger.logLevel <= .debug else { return }
        for delivery in deliveries {
            sink.logger.debug(
                "Event delivered", metadata: ["event": "\(delivery.event.id)", "subject": "\(delivery.event.subject)"])
        }
    }

    func count(_ effects: DeliveryMachine.Effects) {
        self.unrouted.note([:], count: effects.unrouted)
        for (sink, count) in effects.duplicates { self.sinks[sink.rawValue]?.repeated.increment(by: count) }
        for (sink, count) in effects.superseded { self.sinks[sink.rawValue]?.superseded.increment(by: count) }
        for loss in effects.losses {
            guard let sink = self.sinks[loss.sink.rawValue] else { continue }
            (loss.isKept ? sink.deadLetters : sink.dropped)[loss.cause]?.increment()
            (loss.isKept ? sink.deadLetterLog : sink.dropLog).note(["reason": "\(loss.reason)"])
        }
    }

    private struct Sink: Sendable {
        let logger: Logger
        let sent: Counter
        let latency: Histogram
        let dropped: [DropCause: Counter]
        let deadLetters: [DropCause: Counter]
        let repeated: Counter
        let superseded: Counter
        let dropLog: BurstLog
        let deadLetterLog: BurstLog

        init(metrics: ComponentMetrics, logger: Logger) {
            self.logger = logger
            self.sent = metrics.counter("events_sent", help: "Events that the sink has confirmed.")
            self.latency = metrics.histogram("delivery", help: "Time from acceptance to the sink's confirmation.")
            self.dropped = Self.byCause { cause in
                metrics.counter("events_dropped", help: "Events lost, by reason.", [("reason", cause.rawValue)])
            }
            self.deadLetters = Self.byCause { cause in
                metrics.counter("dead_letters", help: "Events moved to the dead letters.", [("reason", cause.rawValue)])
            }
            self.repeated = metrics.counter(
                "events_deduplicated", help: "Duplicates dropped by the dedupe key of a route."
            )
            self.superseded = metrics.counter(
                "events_superseded", help: "Undelivered events that a later one with the same replace_key has superseded."
            )
            self.dropLog = BurstLog("Event dropped", level: .error, logger: logger)
            self.deadLetterLog = BurstLog("Event moved to the dead letters", logger: logger)
        }

        private static func byCause(_ make: (DropCause) -> Counter) -> [DropCause: Counter] {
            Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, make($0)) })
        }
    }
}
