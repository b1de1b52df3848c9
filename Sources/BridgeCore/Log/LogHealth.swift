import Logging
import Synchronization

/// Whether the log on disk can be written and read, for readiness and metrics.
///
/// Thread-safe. Each use fails separately: a log that can be written may still be unreadable.
package final class LogHealth: Sendable {
    /// What the log is used for.
    enum Use: Hashable {
        case writing
        /// Reading a sink's backlog; another sink may read another part of the file.
        case reading(sink: String)
    }

    private let problems = Mutex<[Use: String]>([:])
    /// The number of dead letters in the log.
    let letters: Gauge
    /// Dead letters that were removed because of their number, size or age.
    let trimmedDeadLetters: Counter
    private let up: Gauge
    private let failures: Counter
    private let unreadable: Counter

    init(metrics: Metrics) {
        self.up = metrics.gauge(
            "streambridge_log_up", help: "1 while the log on disk can be read and written.")
        self.failures = metrics.counter("streambridge_log_errors_total", help: "Failed reads and writes of the log on disk.")
        self.letters = metrics.gauge("streambridge_log_dead_letters", help: "Dead letters in the log on disk.")
        self.trimmedDeadLetters = metrics.counter(
            "streambridge_log_dead_letters_removed_total", help: "Dead letters removed by log.retain.dead_letters.")
        self.unreadable = metrics.counter(
            "streambridge_log_unreadable_total", help: "Unreadable rows of the log on disk; skipped.")
        self.up.set(1)
    }

    /// The last write error; `nil` while writes succeed.
    package var writeError: String? { self.problems.withLock { $0[.writing] } }

    /// The last read error; `nil` while reads succeed.
    package var readError: String? {
        self.problems.withLock { problems in problems.filter { $0.key != .writing }.values.min() }
    }

    /// - Returns: whether it worked before.
    func failed(_ use: Use, _ error: String) -> Bool {
        self.failures.increment()
        return self.problems.withLock { problems in
            self.up.set(0)
            return problems.updateValue(error, forKey: use) == nil
        }
    }

    /// - Returns: whether it had failed before.
    func recovered(_ use: Use) -> Bool {
        self.problems.withLock { problems in
            guard problems.removeValue(forKey: use) != nil else { return false }
            if problems.isEmpty { self.up.set(1) }
            return true
        }
    }

    /// Counts skipped rows, once per sink.
    func skipped(_ count: Int) {
        self.unreadable.increment(by: count)
    }
}

/// An unreadable event is skipped so that the others continue, and is logged and counted.
extension LogHealth {
    /// How many positions a log line lists.
    private static let named = 20

    /// Reports events that a sink will not get.
    func report(of events: [UnreadableEvent], sink: String, _ logger: Logger) {
        self.report("Unreadable events in the log skipped", events.map(\.position), sink: sink, logger)
    }

    /// Reports unreadable events in the history of what a sink has published.
    func report(ofPublished events: [Position], sink: String, _ logger: Logger) {
        self.report("Unreadable published events; subscribers get a gap", events, sink: sink, logger)
    }

    /// Reports dead letters that cannot be replayed.
    ///
    /// - Parameter letters: their ids.
    func report(of letters: [Int64], _ logger: Logger) {
        guard let first = letters.first else { return }
        self.skipped(letters.count)
        logger.error(
            "Unreadable dead letters kept",
            metadata: [
                "count": "\(letters.count)", "ids": "\(Self.list(letters))",
                "inspect": "sqlite3 FILE 'SELECT * FROM dead_letters WHERE id = \(first)'",
                "remove": "streambridge dead-letters drop \(first)",
            ]
        )
    }

    private func report(_ message: Logger.Message, _ positions: [Position], sink: String, _ logger: Logger) {
        guard let first = positions.first else { return }
        self.skipped(positions.count)
        logger.error(
            message,
            metadata: [
                "sink": "\(sink)", "count": "\(positions.count)", "positions": "\(Self.list(positions))",
                "inspect": "sqlite3 FILE 'SELECT * FROM events WHERE position = \(first)'",
            ]
        )
    }

    private static func list(_ places: [some CustomStringConvertible]) -> String {
        places.prefix(Self.named).map(\.description).joined(separator: ",") + (places.count > Self.named ? ",…" : "")
    }
}
