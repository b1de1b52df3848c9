import Logging
import Synchronization

/// Counts what one source receives, and what happens to it before the log.
///
/// Called once per batch. Thread-safe.
final class SourceMetrics: Sendable {
    private let received: Counter
    private let gaps: Counter
    private let ignored: Counter
    private let unreadable: BurstLog
    private let cut: BurstLog
    private let looped: BurstLog
    private let repeated: BurstLog
    private let own: BurstLog
    private let mappingFailures: BurstLog
    private let givenUp: Counter
    private let lostAndKept: Counter
    private let lost: BurstLog
    /// What is abandoned, and what is lost and kept.
    private let deadLetterLog: BurstLog
    /// By the name of a route: its expressions that failed for events of this source.
    private let failures = Mutex<[String: BurstLog]>([:])
    /// What the indices of routes and sinks mean.
    private let names: Mutex<RouteNames>
    private let makeFailure: @Sendable (String) -> BurstLog
    private let logger: Logger

    /// Why a message about an entity of the bridge itself is dropped.
    static let ownEntity = "own_entity"

    /// - Parameters:
    ///   - names: those of the routes and sinks.
    ///   - failing: the routes from this source with expressions, which may fail.
    init(metrics: ComponentMetrics, logger: Logger, names: RouteNames, failing: [RouteIndex]) {
        func dropped(_ reason: String) -> Counter {
            metrics.counter("events_dropped", help: "Events lost, by reason.", [("reason", reason)])
        }
        func deadLetters(_ reason: String) -> Counter {
            metrics.counter("dead_letters", help: "Events moved to the dead letters.", [("reason", reason)])
        }
        func log(_ message: Logger.Message, level: Logger.Level = .warning, _ counter: Counter?) -> BurstLog {
            BurstLog(message, level: level, counter: counter, logger: logger)
        }
        self.received = metrics.counter("events_received", help: "Messages received from the source.")
        self.gaps = metrics.counter("gaps", help: "Losses reported by the source.")
        self.ignored = metrics.counter(
            "events_ignored",
            help: "Messages that are no event: keep-alives, end marks of event streams, and what normalise drops.")
        self.unreadable = log(
            "Body does not match its declared content type", level: .info,
            metrics.counter(
                "events_unreadable", help: "Messages whose body does not match its declared content type; delivered as text."))
        self.cut = log(
            "Text truncated to the limits of defaults.event",
            metrics.counter("events_cut", help: "Events whose title or message was truncated to the limits of defaults.event."))
        self.looped = log("Event looped back or crossed too many bridges", dropped("loop"))
        self.repeated = log("Duplicate event dropped", level: .info, dropped("repeated"))
        self.own = log("State of an entity of this bridge ignored", level: .info, dropped(Self.ownEntity))
        self.mappingFailures = log(
            "Part of normalise failed",
            metrics.counter(
                "normalise_errors", help: "Parts of normalise that failed for a message, which was read automatically there."))
        self.givenUp = deadLetters("attempts")
        self.lostAndKept = deadLetters("expression")
        self.lost = log("Event dropped", level: .error, dropped("expression"))
        self.deadLetterLog = log("Event moved to the dead letters", nil)
        self.makeFailure = { route in
            let counter = metrics.counter(
                "route_errors", help: "Expressions that failed; the route then did not match, or its dedupe had no key.",
                [("route", route)])
            return BurstLog("Expression failed", counter: counter, logger: logger)
        }
        self.names = Mutex(names)
        self.logger = logger
        self.follow(names, failing: failing)
    }

    /// Counts the failures of the routes of another table.
    func follow(_ table: RouteTable, source: String) {
        self.follow(table.names, failing: table.failing(for: source))
    }

    private func follow(_ names: RouteNames, failing: [RouteIndex]) {
        self.names.withLock { $0 = names }
        self.failures.withLock { failures in
            let old = failures
            failures = [:]
            // Counters exist from the start.
            for route in failing.map({ names[$0] }) { failures[route] = old[route] ?? self.makeFailure(route) }
        }
    }

    func received(_ count: Int, ignored: Int, unreadable: Int, cut: Int, looped: Int, repeated: Int, own: Int = 0) {
        // First, so that the difference of both never counts a message about the bridge itself.
        self.own.note([:], count: own)
        self.received.increment(by: count)
        if ignored > 0 { self.ignored.increment(by: ignored) }
        self.unreadable.note([:], count: unreadable)
        self.cut.note([:], count: cut)
        self.looped.note([:], count: looped)
        self.repeated.note([:], count: repeated)
    }

    /// Logs at debug where each event goes.
    func routed(_ records: [LogRecord]) {
        guard self.logger.logLevel <= .debug else { return }
        let names = self.names.withLock { $0.sinks }
        for record in records {
            let entries = record.routing.plan.entries
            let sinks = entries.map { names.indices.contains($0.sink.rawValue) ? names[$0.sink.rawValue] : "\($0.sink)" }
            self.logger.debug(
                "Event routed",
                metadata: [
                    "event": "\(record.event.id)", "subject": "\(record.event.subject)",
                    "sinks": "\(sinks.isEmpty ? "none" : sinks.joined(separator: ", "))",
                ])
        }
    }

    func failed(route: RouteIndex, _ event: Event, _ error: ExpressionError) {
        let name = self.names.withLock { $0[route] }
        let log = self.failures.withLock { $0[name] }
        log?.note(["route": "\(name)", "event": "\(event.id)", "error": "\(error.message)"])
    }

    /// Counts events that failed routes have lost.
    ///
    /// - Parameter isKept: whether an event for these sinks is kept as a dead letter.
    func lost(_ records: [LogRecord], isKept: ([SinkIndex]) -> Bool) {
        for record in records where !record.routing.lost.isEmpty {
            for lost in record.routing.lost {
                let isKept = isKept(lost.sinks)
                if isKept { self.lostAndKept.increment() }
                (isKept ? self.deadLetterLog : self.lost).note(["event": "\(record.event.id)", "reason": "\(lost.letter.reason)"])
            }
        }
    }

    /// Counts the parts of the source's mapping that failed for an event.
    func failed(mapping failures: [FieldFailure], of event: Event) {
        self.mappingFailures.note(
            ["event": "\(event.id)", "field": "\(failures[0].field)", "error": "\(failures[0].reason)"], count: failures.count)
    }

    /// Counts a message that the source has abandoned and the log keeps.
    func givenUp(_ reason: String) {
        self.givenUp.increment()
        self.deadLetterLog.note(["reason": "\(reason)"])
    }

    /// Counts a loss that the source knows of.
    func gap() {
        self.gaps.increment()
    }

    /// Logs known losses, each counted by ``gap()`` before.
    func reported(_ report: GapReport) {
        var metadata: Logger.Metadata = ["reason": "\(report.reason)"]
        if report.count > 1 { metadata["count"] = "\(report.count)" }
        self.logger.warning("Events may have been lost", metadata: metadata)
    }
}
