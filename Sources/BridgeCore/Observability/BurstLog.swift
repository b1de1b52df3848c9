package import Logging
import Synchronization

/// Logs something that may happen thousands of times a second at most once a minute, with the count.
///
/// Thread-safe.
package final class BurstLog: Sendable {
    private let message: Logger.Message
    private let level: Logger.Level
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ message: Logger.Message, level: Logger.Level = .warning, logger: Logger) {
        self.message = message
        self.level = level
        self.logger = logger
    }

    /// Notes `count` occurrences.
    ///
    /// The first, and after a minute of silence the next, is logged with its metadata and with how many there were since the last
    /// line.
    package func note(_ metadata: @autoclosure () -> Logger.Metadata, count: Int = 1) {
        guard count > 0 else { return }
        let now = ContinuousClock.now
        let due: Int? = self.state.withLock { state in
            state.count += count
            if let last = state.last, now - last < .seconds(60) { return nil }
            state.last = now
            defer { state.count = 0 }
            return state.count
        }
        guard let due else { return }
        var metadata = metadata()
        metadata["count"] = "\(due)"
        self.logger.log(level: self.level, self.message, metadata: metadata)
    }

    private struct State {
        var last: ContinuousClock.Instant?
        var count = 0
    }
}
