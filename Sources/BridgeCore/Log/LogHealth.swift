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
    private let up: Gauge
    private let failures: Counter
    private let unreadable: Counter

    init(metrics: Metrics) {
        self.up = metrics.gauge(
            "streambridge_log_up", help: "1 while the log on disk takes what it is given and gives what it is asked for.")
        self.failures = metrics.counter("streambridge_log_errors_total", help: "Refusals of the log on disk.")
        self.letters = metrics.gauge("streambridge_log_dead_letters", help: "Dead letters in the log on disk.")
        self.unreadable = metrics.counter(
            "streambridge_log_unreadable_total", help: "Rows of the log on disk that cannot be read and were passed over.")
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
