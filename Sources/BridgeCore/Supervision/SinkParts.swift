package import Logging

/// What a sink is made of.
package struct SinkParts: Sendable {
    package let name: String
    package let sink: any Sink
    package let delivery: DeliverySettings
    package let metrics: ComponentMetrics
    package let logger: Logger

    package init(name: String, sink: any Sink, delivery: DeliverySettings, metrics: ComponentMetrics, logger: Logger) {
        self.name = name
        self.sink = sink
        self.delivery = delivery
        self.metrics = metrics
        self.logger = logger
    }
}
