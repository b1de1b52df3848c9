package import Logging
import Synchronization

/// Keeps the log lines of a component under test.
///
/// Thread-safe.
package final class RecordedLog: Sendable {
    /// One line with its metadata as text.
    package struct Line: Sendable {
        /// Its level, such as `notice`.
        package let level: String
        /// Its message without metadata.
        package let message: String
        /// The metadata of the line only, without its logger's metadata.
        package let metadata: [String: String]
    }

    private let recorded = Mutex<[Line]>([])

    /// Makes an empty log.
    package init() {}

    /// The lines so far, in order.
    package var lines: [Line] { self.recorded.withLock { $0 } }

    /// The lines with this message.
    package func lines(_ message: String) -> [Line] { self.lines.filter { $0.message == message } }

    /// The errors of all lines, in order.
    ///
    /// They last, unlike the error of a status, which the next connection clears.
    package var errors: [String] { self.lines.compactMap { $0.metadata["error"] } }

    /// A logger of every level that writes here.
    package func logger(_ label: String) -> Logger {
        Logger(label: label) { _ in Handler(log: self) }
    }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: "\(event.level)", message: "\(event.message)", metadata: (event.metadata ?? [:]).mapValues { "\($0)" }
            )
            self.log.recorded.withLock { $0.append(line) }
        }
    }
}
