/// The metrics of one component; looked up once at start and updated per batch from any thread.
package struct ComponentMetrics: Sendable {
    /// The labels of every metric of the component: `component`, `direction`, `kind`.
    package let labels: [Metrics.Label]
    private let metrics: Metrics

    /// Makes the metrics of a component.
    ///
    /// - Parameter direction: `source` or `sink`.
    package init(component: String, kind: ComponentKind, direction: String, metrics: Metrics) {
        self.labels = [("component", component), ("direction", direction), ("kind", kind.rawValue)]
        self.metrics = metrics
    }

    /// The counter `streambridge_<name>_total` of this component, created at the first call.
    ///
    /// - Parameter name: lower case with underscores, without prefix and suffix, such as `connections`.
    package func counter(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Counter {
        self.metrics.counter("streambridge_\(name)_total", help: help, labels: self.labels + labels)
    }

    /// The gauge `streambridge_<name>` of this component, created at the first call.
    package func gauge(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Gauge {
        self.metrics.gauge("streambridge_\(name)", help: help, labels: self.labels + labels)
    }

    /// The histogram `streambridge_<name>_seconds` of this component, created at the first call.
    package func histogram(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Histogram {
        self.metrics.histogram("streambridge_\(name)_seconds", help: help, labels: self.labels + labels)
    }
}
