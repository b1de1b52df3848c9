package import Logging

/// The parts from which a ``Bridge`` assembles a source.
package struct SourceParts: Sendable {
    /// The source's name in the configuration file.
    package let name: String
    /// The component.
    package let source: any Source
    /// When a message counts as safe.
    package let acknowledge: AcknowledgePolicy
    /// How messages become events.
    package let intake: IntakeSettings
    /// The back-off between its connection attempts.
    package let retry: RetrySettings
    /// Its metrics, those of the engine included.
    package let metrics: ComponentMetrics
    /// A logger with the component's metadata, which writes none of its secrets.
    package let logger: Logger
    /// Removes the component's secrets from what it reports.
    let redaction: Redaction

    /// Makes the parts of a source, by default without secrets.
    package init(
        name: String, source: any Source, acknowledge: AcknowledgePolicy, intake: IntakeSettings, retry: RetrySettings,
        metrics: ComponentMetrics, logger: Logger, redaction: Redaction = Redaction()
    ) {
        self.name = name
        self.source = source
        self.acknowledge = acknowledge
        self.intake = intake
        self.retry = retry
        self.metrics = metrics
        self.logger = redaction.logger(logger)
        self.redaction = redaction
    }
}
