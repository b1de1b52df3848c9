import Logging
import NIOCore
import Synchronization

/// Logs events that clients cause: one line for each burst of the same kind.
///
/// Thread-safe.
final class HTTPBurstLog: Sendable {
    /// The shortest interval between two lines of the same kind.
    private static let interval = Duration.seconds(60)

    private let logger: Logger
    private let times = Mutex<[String: ContinuousClock.Instant]>([:])

    init(logger: Logger) {
        self.logger = logger
    }

    /// Reports that request bodies and unsent answers fill their budget.
    ///
    /// - Parameter limit: the budget in bytes.
    func warnMemoryLimitReached(limit: Int) {
        self.warn("HTTP memory limit reached; slow clients are disconnected", ["limit_bytes": "\(limit)"])
    }

    /// - Parameters:
    ///   - message: constant; it is the kind.
    ///   - metadata: evaluated only for a line that is written.
    func warn(_ message: StaticString, _ metadata: @autoclosure () -> Logger.Metadata) {
        let text = "\(message)"
        let isNew = self.times.withLock { times in
            let now = ContinuousClock.now
            if let time = times[text], time.duration(to: now) < Self.interval { return false }
            times[text] = now
            return true
        }
        if isNew { self.logger.warning("\(text)", metadata: metadata()) }
    }
}
