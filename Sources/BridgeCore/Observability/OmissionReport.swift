package import Logging

/// Reports optional parts of what a sink sends, such as headers, that are left out because their templates fail.
///
/// A message without such a part is worth more than none. Thread-safe.
package struct OmissionReport: Sendable {
    private let counter: Counter
    private let log: BurstLog

    /// - Parameters:
    ///   - counter: the counter's name, without the program's.
    ///   - help: what it counts.
    ///   - message: the line of the log, written at most once a minute.
    package init(_ context: ComponentContext, counter: String, help: String, message: Logger.Message) {
        self.counter = context.metrics.counter(counter, help: help)
        self.log = BurstLog(message, logger: context.logger)
    }

    /// Notes one part of one event.
    ///
    /// - Parameter part: its name in the file.
    package func note(_ part: String, _ event: Event, _ error: any Error) {
        self.counter.increment()
        self.log.note(["part": "\(part)", "event": "\(event.id)", "error": "\(error)"])
    }
}
