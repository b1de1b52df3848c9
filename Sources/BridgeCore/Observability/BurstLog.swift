package import Logging
import Synchronization

/// Logs a frequent condition at most once a minute, with the number of occurrences.
///
/// Thread-safe.
package final class BurstLog: Sendable {
    private let message: Logger.Message
    private let level: Logger.Level
    private let counter: Counter?
    private let logger: Logger
    private let state = Mutex(State())

    /// Makes a log for one condition.
    ///
    /// - Parameters:
    ///   - message: the text of the line, a constant.
    ///   - counter: counts every occurrence; `nil` when somebody else does, or nobody.
    ///   - logger: carries the metadata that every line has.
    package init(_ message: Logger.Message, level: Logger.Level = .warning, counter: Counter? = nil, logger: Logger) {
        self.message = message
        self.level = level
        self.counter = counter
        self.logger = logger
    }

    /// Counts `count` occurrences.
    ///
    /// Logs a line when the last one is at least a minute old, with the occurrences since then. The count after the
    /// last line is logged only with the next occurrence.
    ///
    /// - Parameter metadata: of this occurrence; evaluated only for a line.
    package func note(_ metadata: @autoclosure () -> Logger.Metadata, count: Int = 1) {
        guard count > 0 else { return }
        self.counter?.increment(by: count)
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
