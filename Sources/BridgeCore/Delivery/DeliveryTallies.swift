import Logging

/// Counts what the log does with deliveries, per sink, and says so in the log lines.
///
/// Called once per batch and never under the log's lock. Thread-safe.
final class DeliveryTallies: Sendable {
    private let sinks: ComponentTable<SinkIndex, Sink>
    private let unrouted: Counter
    private let unroutedLog: BurstLog

    init(sinks: [(metrics: ComponentMetrics, logger: Logger)], metrics: Metrics, logger: Logger) {
        self.sinks = ComponentTable(sinks.map { Sink(metrics: $0.metrics, logger: $0.logger) })
        self.unrouted = metrics.counter("streambridge_events_unrouted_total", help: "Events that no route took.")
        self.unroutedLog = BurstLog("No route takes the event", level: .info, logger: logger)
    }

    func confirmed(sink: SinkIndex, _ deliveries: [Delivery]) {
        guard let first = deliveries.first else { return }
        let tally = self.sinks[sink]
        tally.sent.increment(by: deliveries.count)
        let now = ContinuousClock.now
        var accepted = first.accepted
        var count = 0
        for delivery in deliveries {
            if delivery.accepted != accepted {
                tally.latency.observe(now - accepted, count: count)
                (accepted, count) = (delivery.accepted, 0)
            }
            count += 1
        }
        tally.latency.observe(now - accepted, count: count)
        guard tally.logger.logLevel <= .debug else { return }
        for delivery in deliveries {
            tally.logger.debug(
                "Event delivered", metadata: ["event": "\(delivery.event.id)", "subject": "\(delivery.event.subject)"])
        }
    }

    func count(_ effects: DeliveryMachine.Effects) {
        if effects.unrouted > 0 {
            self.unrouted.increment(by: effects.unrouted)
            self.unroutedLog.note([:], count: effects.unrouted)
        }
        for drop in effects.drops {
            self.sinks[drop.sink].dropped[drop.cause]?.increment()
            self.sinks[drop.sink].dropLog.note(["reason": "\(drop.reason)"])
        }
        for (sink, count) in effects.duplicates { self.sinks[sink].repeated.increment(by: count) }
        for letter in effects.deadLetters {
            self.sinks[letter.sink].letters[letter.cause]?.increment()
            self.sinks[letter.sink].letterLog.note(["reason": "\(letter.reason)"])
        }
    }

    private struct Sink: Sendable {
        let logger: Logger
        let sent: Counter
        let latency: Histogram
        let dropped: [DropCause: Counter]
        let letters: [DropCause: Counter]
        let repeated: Counter
        let dropLog: BurstLog
        let letterLog: BurstLog

        init(metrics: ComponentMetrics, logger: Logger) {
            self.logger = logger
            self.sent = metrics.counter("events_sent", help: "Events that the sink has confirmed.")
            self.latency = metrics.histogram("delivery", help: "Time from acceptance to the sink's confirmation.")
            self.dropped = Self.byCause { cause in
                metrics.counter("events_dropped", help: "Events lost, by reason.", [("reason", cause.rawValue)])
            }
            self.letters = Self.byCause { cause in
                metrics.counter("dead_letters", help: "Events moved to the dead letters.", [("reason", cause.rawValue)])
            }
            self.repeated = metrics.counter(
                "events_deduplicated", help: "Events that were held to be delivered already, by the key of a route's dedupe."
            )
            self.dropLog = BurstLog("Event dropped", level: .error, logger: logger)
            self.letterLog = BurstLog("Event moved to the dead letters", logger: logger)
        }

        private static func byCause(_ make: (DropCause) -> Counter) -> [DropCause: Counter] {
            Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, make($0)) })
        }
    }
}
