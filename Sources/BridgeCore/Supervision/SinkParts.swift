package import Logging

/// The parts from which a ``Bridge`` assembles a sink.
package struct SinkParts: Sendable {
    /// The sink's name in the configuration file.
    package let name: String
    /// The component.
    package let sink: any Sink
    /// Its buffer, back-off and dead-letter sink.
    package let delivery: DeliverySettings
    /// Its metrics, those of the engine included.
    package let metrics: ComponentMetrics
    /// A logger with the component's metadata, which writes none of its secrets.
    package let logger: Logger
    /// Removes the component's secrets from what it reports.
    let redaction: Redaction

    /// Makes the parts of a sink, by default without secrets.
    package init(
        name: String, sink: any Sink, delivery: DeliverySettings, metrics: ComponentMetrics, logger: Logger,
        redaction: Redaction = Redaction()
    ) {
        self.name = name
        self.sink = sink
        self.delivery = delivery
        self.metrics = metrics
        self.logger = redaction.logger(logger)
        self.redaction = redaction
    }
}
