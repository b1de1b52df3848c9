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
    /// A logger with the component's metadata.
    package let logger: Logger

    /// Makes the parts of a sink.
    package init(name: String, sink: any Sink, delivery: DeliverySettings, metrics: ComponentMetrics, logger: Logger) {
        self.name = name
        self.sink = sink
        self.delivery = delivery
        self.metrics = metrics
        self.logger = logger
    }
}
