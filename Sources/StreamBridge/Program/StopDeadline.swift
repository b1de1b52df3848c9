import BridgeCore
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// `service.drain`: the longest time for the whole shutdown, from the signal to the exit.
///
/// Thread-safe.
final class StopDeadline: Sendable {
    /// The part for closing connections and the log after the deliveries.
    private let reserve: Duration
    private let drain: Duration
    private let logger: Logger
    private let begun = Eventual<ContinuousClock.Instant>()

    init(_ drain: Duration, logger: Logger) {
        self.drain = drain
        self.reserve = min(.seconds(1), drain / 5)
        self.logger = logger
    }

    /// The longest time for deliveries.
    var delivering: Duration { self.drain - self.reserve }

    /// When the last connection is closed at the latest; two seconds from now when the time was not begun.
    var end: ContinuousClock.Instant {
        let soon = ContinuousClock.now + .seconds(2)
        guard let begun = try? self.begun.result?.get() else { return soon }
        return min(soon, begun + self.drain - self.reserve / 2)
    }

    /// Records that the signal has arrived.
    func begin() {
        self.begun.finish(.success(.now))
    }

    /// Ends the process when something does not end in time, unless the task is cancelled before.
    ///
    /// Components that do not stop in time, such as a disk that does not respond, are left as after a crash: a log on
    /// disk tolerates that.
    ///
    /// - Throws: `CancellationError`.
    func enforce() async throws {
        try await Task.sleep(until: self.begun.value + self.drain + .milliseconds(500))
        self.logger.error(
            "Stopped at the end of service.drain; some components did not stop in time", metadata: ["drain": "\(self.drain)"])
        _exit(1)
    }
}
