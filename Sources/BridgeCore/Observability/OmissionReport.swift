package import Logging

/// Counts and logs optional parts of an outgoing message, such as headers, that are omitted because their templates
/// fail.
///
/// The message is sent without the part. Thread-safe.
package struct OmissionReport: Sendable {
    private let counter: Counter
    private let log: BurstLog

    /// Makes a report for one kind of part.
    ///
    /// - Parameters:
    ///   - counter: the counter's name without prefix and suffix.
    ///   - help: the counter's description.
    ///   - message: the log line, written at most once a minute.
    package init(_ context: ComponentContext, counter: String, help: String, message: Logger.Message) {
        self.counter = context.metrics.counter(counter, help: help)
        self.log = BurstLog(message, logger: context.logger)
    }

    /// Records one omitted part of one event.
    ///
    /// - Parameter part: its name in the configuration file.
    package func note(_ part: String, _ event: Event, _ error: any Error) {
        self.counter.increment()
        self.log.note(["part": "\(part)", "event": "\(event.id)", "error": "\(error)"])
    }
}
