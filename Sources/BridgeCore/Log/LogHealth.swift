import Logging
import Synchronization

/// Whether the log on disk takes what it is given and gives what it is asked for: what readiness and metrics want to know.
///
/// Thread-safe. Each use has trouble of its own: that the log can be written does not mean that it can be read.
package final class LogHealth: Sendable {
    /// What the log is used for.
    enum Use: Hashable {
        case writing
        /// Reading back what a sink is owed; another sink may read another part of the file.
        case reading(sink: String)
    }

    private let problems = Mutex<[Use: String]>([:])
    /// How many dead letters it holds.
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

    /// What the disk last refused to take; `nil` while it takes everything.
    package var writeError: String? { self.problems.withLock { $0[.writing] } }

    /// Why something cannot be read back; `nil` while everything can.
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

    /// Rows were passed over, each for one sink.
    func passedOver(_ count: Int) {
        self.unreadable.increment(by: count)
    }
}

/// An unreadable event is skipped so that the others continue, and is logged and counted.
extension LogHealth {
    /// How many places a line of the log names.
    private static let named = 20

    /// A sink does not get these events.
    func report(of events: [UnreadableEvent], sink: String, _ logger: Logger) {
        self.report("Events of the log cannot be read and are passed over", events.map(\.position), sink: sink, logger)
    }

    /// A sink that tells what it has published has no more of these.
    func report(ofPublished events: [Position], sink: String, _ logger: Logger) {
        self.report("Published events cannot be read and are reported as a gap", events, sink: sink, logger)
    }

    /// These dead letters go nowhere.
    ///
    /// - Parameter letters: their ids.
    func report(of letters: [Int64], _ logger: Logger) {
        guard let first = letters.first else { return }
        self.passedOver(letters.count)
        logger.error(
            "Dead letters cannot be read and stay",
            metadata: [
                "count": "\(letters.count)", "ids": "\(Self.list(letters))",
                "look": "sqlite3 FILE 'SELECT * FROM dead_letters WHERE id = \(first)'",
                "end": "streambridge dead-letters drop \(first)",
            ]
        )
    }

    private func report(_ message: Logger.Message, _ positions: [Position], sink: String, _ logger: Logger) {
        guard let first = positions.first else { return }
        self.passedOver(positions.count)
        logger.error(
            message,
            metadata: [
                "sink": "\(sink)", "count": "\(positions.count)", "positions": "\(Self.list(positions))",
                "look": "sqlite3 FILE 'SELECT * FROM events WHERE position = \(first)'",
            ]
        )
    }

    private static func list(_ places: [some CustomStringConvertible]) -> String {
        places.prefix(Self.named).map(\.description).joined(separator: ",") + (places.count > Self.named ? ",…" : "")
    }
}
