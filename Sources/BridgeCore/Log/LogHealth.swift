import Synchronization

/// Whether the log on disk takes what it is given: what readiness and metrics want to know.
///
/// Thread-safe.
package final class LogHealth: Sendable {
    private let problem = Mutex<String?>(nil)
    /// How many dead letters it holds.
    let letters: Gauge
    private let up: Gauge
    private let failures: Counter

    init(metrics: Metrics) {
        self.up = metrics.gauge("streambridge_log_up", help: "1 while the log on disk takes what it is given.")
        self.failures = metrics.counter("streambridge_log_errors_total", help: "Refusals of the log on disk.")
        self.letters = metrics.gauge("streambridge_log_dead_letters", help: "Dead letters in the log on disk.")
        self.up.set(1)
    }

    /// What the disk last refused with; `nil` while it works.
    package var lastError: String? { self.problem.withLock { $0 } }

    /// - Returns: whether it worked before.
    func failed(_ error: String) -> Bool {
        self.up.set(0)
        self.failures.increment()
        return self.problem.withLock { problem in
            defer { problem = error }
            return problem == nil
        }
    }

    /// - Returns: whether it had failed before.
    func recovered() -> Bool {
        self.problem.withLock { problem in
            guard problem != nil else { return false }
            problem = nil
            self.up.set(1)
            return true
        }
    }
}
