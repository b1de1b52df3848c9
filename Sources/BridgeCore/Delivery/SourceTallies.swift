import Logging

/// Counts what one source brings and what becomes of it before the log.
///
/// Called once per batch. Thread-safe.
final class SourceTallies: Sendable {
    private let received: Counter
    private let unreadable: Counter
    private let cut: Counter
    private let looped: Counter
    private let repeated: Counter
    private let gaps: Counter
    private let letters: Counter
    private let lostLetters: Counter
    private let lost: Counter
    private let mappingFailures: Counter
    private let letterLog: BurstLog
    private let lostLog: BurstLog
    private let mappingLog: BurstLog
    /// Of the routes that may fail for events of this source.
    private let failures: [RouteIndex: Counter]
    private let unreadableLog: BurstLog
    private let cutLog: BurstLog
    private let loopLog: BurstLog
    private let repeatedLog: BurstLog
    private let failureLogs: [RouteIndex: BurstLog]
    private let routes: ComponentTable<RouteIndex, String>
    private let sinks: ComponentTable<SinkIndex, String>
    private let logger: Logger

    /// - Parameters:
    ///   - routes: the routes' names, by their indices.
    ///   - failing: the routes that take from this source and have expressions, which may fail.
    ///   - sinks: the sinks' names, by their indices.
    init(metrics: ComponentMetrics, logger: Logger, routes: [String], failing: [RouteIndex], sinks: [String] = []) {
        func dropped(_ reason: String) -> Counter {
            metrics.counter("events_dropped", help: "Events lost, by reason.", [("reason", reason)])
        }
        self.received = metrics.counter("events_received", help: "Messages that the source has brought.")
        self.unreadable = metrics.counter(
            "events_unreadable", help: "Messages whose body was not what it said it was; carried on as text."
        )
        self.cut = metrics.counter(
            "events_cut", help: "Events whose title or message was longer than defaults.event allows and stands nowhere else."
        )
        self.looped = dropped("loop")
        self.repeated = dropped("repeated")
        self.gaps = metrics.counter("gaps", help: "Losses that the source knows of.")
        func letters(_ reason: String) -> Counter {
            metrics.counter("dead_letters", help: "Events moved to the dead letters.", [("reason", reason)])
        }
        self.letters = letters("attempts")
        self.lostLetters = letters("expression")
        self.lost = dropped("expression")
        self.mappingFailures = metrics.counter(
            "normalise_errors", help: "Fields that a template of normalise could not make; made as without it.")
        self.letterLog = BurstLog("Event moved to the dead letters", logger: logger)
        self.lostLog = BurstLog("Event dropped", level: .error, logger: logger)
        self.mappingLog = BurstLog("Template of normalise failed", logger: logger)
        let failures = failing.map { route in
            let counter = metrics.counter(
                "route_errors",
                help: "Expressions that failed; the route then did not take the event, or its dedupe had no key.",
                [("route", routes[route.rawValue])])
            return (route, counter)
        }
        self.failures = Dictionary(uniqueKeysWithValues: failures)
        self.unreadableLog = BurstLog("Body is not what it says it is", level: .info, logger: logger)
        self.cutLog = BurstLog("Text is longer than defaults.event allows and was cut", logger: logger)
        self.loopLog = BurstLog("Event has come back to this bridge or crossed too many", logger: logger)
        self.repeatedLog = BurstLog("Event was here before", level: .info, logger: logger)
        self.failureLogs = Dictionary(
            uniqueKeysWithValues: failing.map { ($0, BurstLog("Expression failed", logger: logger)) })
        self.routes = ComponentTable(routes)
        self.sinks = ComponentTable(sinks)
        self.logger = logger
    }

    func received(_ count: Int, unreadable: Int, cut: Int, looped: Int, repeated: Int) {
        self.received.increment(by: count)
        if unreadable > 0 {
            self.unreadable.increment(by: unreadable)
            self.unreadableLog.note([:], count: unreadable)
        }
        if cut > 0 {
            self.cut.increment(by: cut)
            self.cutLog.note([:], count: cut)
        }
        if looped > 0 {
            self.looped.increment(by: looped)
            self.loopLog.note([:], count: looped)
        }
        if repeated > 0 {
            self.repeated.increment(by: repeated)
            self.repeatedLog.note([:], count: repeated)
        }
    }

    /// Logs at debug where each event goes.
    func routed(_ records: [LogRecord]) {
        guard self.logger.logLevel <= .debug else { return }
        for record in records {
            let entries = record.routing.plan.entries
            let sinks = entries.map { self.sinks.contains($0.sink) ? self.sinks[$0.sink] : "\($0.sink)" }
            self.logger.debug(
                "Event routed",
                metadata: [
                    "event": "\(record.event.id)", "subject": "\(record.event.subject)",
                    "sinks": "\(sinks.isEmpty ? "none" : sinks.joined(separator: ", "))",
                ])
        }
    }

    func failed(route: RouteIndex, _ event: Event, _ error: ExpressionError) {
        self.failures[route]?.increment()
        self.failureLogs[route]?.note(["route": "\(self.routes[route])", "event": "\(event.id)", "error": "\(error.message)"])
    }

    /// Counts the events that were lost to routes.
    ///
    /// - Parameter isKept: whether a dead letter is kept of an event for these sinks.
    func lost(_ records: [LogRecord], isKept: ([SinkIndex]) -> Bool) {
        for record in records where !record.routing.lost.isEmpty {
            for lost in record.routing.lost {
                let isKept = isKept(lost.sinks)
                (isKept ? self.lostLetters : self.lost).increment()
                (isKept ? self.letterLog : self.lostLog).note(["event": "\(record.event.id)", "reason": "\(lost.letter.reason)"])
            }
        }
    }

    /// Counts fields that the source's mapping could not make.
    func failed(mapping failures: [FieldMapping.Failure], of event: Event) {
        self.mappingFailures.increment(by: failures.count)
        self.mappingLog.note(
            ["event": "\(event.id)", "field": "\(failures[0].field)", "error": "\(failures[0].reason)"], count: failures.count)
    }

    func givenUp(_ reason: String) {
        self.letters.increment()
        self.letterLog.note(["reason": "\(reason)"])
    }

    func gap(_ reason: String) {
        self.gaps.increment()
        self.logger.warning("Events may have been lost", metadata: ["reason": "\(reason)"])
    }
}
