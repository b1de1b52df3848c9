import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// `service.drain`: how long the whole end of the program may take, from the signal to the exit.
///
/// Thread-safe.
final class StopDeadline: Sendable {
    /// What is left of it for the end of connections and of the log once deliveries have had their time.
    private let reserve: Duration
    private let drain: Duration
    private let logger: Logger
    private let begun = Mutex<ContinuousClock.Instant?>(nil)

    init(_ drain: Duration, logger: Logger) {
        self.drain = drain
        self.reserve = min(.seconds(1), drain / 5)
        self.logger = logger
    }

    /// How long deliveries may take.
    var delivering: Duration { self.drain - self.reserve }

    /// When the last connection is closed at the latest; two seconds from now when the time was not begun.
    var end: ContinuousClock.Instant {
        let soon = ContinuousClock.now + .seconds(2)
        guard let begun = self.begun.withLock({ $0 }) else { return soon }
        return min(soon, begun + self.drain - self.reserve / 2)
    }

    /// The signal has come.
    ///
    /// Whatever does not end in time, such as a disk that does not answer, is then left as a crash leaves it: a log on disk stands that.
    func begin() {
        self.begun.withLock { $0 = .now }
        let (drain, logger) = (self.drain, self.logger)
        // Not awaited: it ends with the process.
        Task.detached {
            try? await Task.sleep(for: drain + .milliseconds(500))  // never cancelled
            logger.error("Stopped at the end of service.drain; something did not end in time", metadata: ["drain": "\(drain)"])
            _exit(1)
        }
    }
}
