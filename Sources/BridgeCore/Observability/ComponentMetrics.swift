/// The counters of one component, looked up once at start and incremented per batch from any thread.
package struct ComponentMetrics: Sendable {
    /// The labels every figure of the component carries: `component`, `kind`, `direction`.
    package let labels: [Metrics.Label]
    private let metrics: Metrics

    package init(component: String, kind: ComponentKind, direction: String, metrics: Metrics) {
        self.labels = [("component", component), ("direction", direction), ("kind", kind.rawValue)]
        self.metrics = metrics
    }

    /// A counter `streambridge_<name>_total` of this component, made at the first call.
    ///
    /// - Parameter name: lower case with underscores, without prefix and suffix, such as `connections`.
    package func counter(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Counter {
        self.metrics.counter("streambridge_\(name)_total", help: help, labels: self.labels + labels)
    }

    /// A gauge `streambridge_<name>` of this component, made at the first call.
    package func gauge(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Gauge {
        self.metrics.gauge("streambridge_\(name)", help: help, labels: self.labels + labels)
    }

    /// A histogram `streambridge_<name>_seconds` of this component, made at the first call.
    package func histogram(_ name: String, help: String, _ labels: [Metrics.Label] = []) -> Histogram {
        self.metrics.histogram("streambridge_\(name)_seconds", help: help, labels: self.labels + labels)
    }
}
