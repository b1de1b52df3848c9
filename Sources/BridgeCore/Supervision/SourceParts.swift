package import Logging

/// What a source is made of.
package struct SourceParts: Sendable {
    package let name: String
    package let source: any Source
    package let acknowledge: AcknowledgePolicy
    package let intake: IntakeSettings
    package let retry: RetrySettings
    package let metrics: ComponentMetrics
    package let logger: Logger

    package init(
        name: String, source: any Source, acknowledge: AcknowledgePolicy, intake: IntakeSettings, retry: RetrySettings,
        metrics: ComponentMetrics, logger: Logger
    ) {
        self.name = name
        self.source = source
        self.acknowledge = acknowledge
        self.intake = intake
        self.retry = retry
        self.metrics = metrics
        self.logger = logger
    }
}
