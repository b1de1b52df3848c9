package import Logging

/// What all rehearsals of one file share: its sources, sinks and routes, with metrics that nobody reads.
///
/// Immutable.
package struct RehearsalStage {
    /// One source.
    package struct Source {
        /// Its name in the file.
        package let name: String
        /// How its messages become events.
        package let intake: IntakeSettings
        /// When a message counts as safe.
        package let acknowledge: AcknowledgePolicy
        let metrics: SourceMetrics
    }

    /// One sink.
    package struct Sink {
        /// Its name in the file.
        package let name: String
        /// Its buffer and its dead-letter sink.
        package let delivery: DeliverySettings
        /// Renders its messages; `nil` for a kind that cannot without a connection.
        package let preview: SinkPreview?
    }

    /// The sources in the order of the file.
    package let sources: [Source]
    /// The sinks in the order of the file.
    package let sinks: [Sink]
    /// The routes.
    package let table: RouteTable
    let unrouted: SinkIndex?
    let bridge: String
    let deliveryMetrics: DeliveryMetrics
    let flowMetrics: FlowMetrics

    /// Makes a stage.
    ///
    /// - Parameters:
    ///   - sources: in the order of the file, each with its context.
    ///   - sinks: in the order of the file; routes refer to them by index.
    ///   - unrouted: the sink for events that no route matches.
    ///   - bridge: the bridge's name.
    ///   - logger: receives what the program would log about events.
    package init(
        sources: [(intake: IntakeSettings, acknowledge: AcknowledgePolicy, context: ComponentContext)],
        sinks: [(delivery: DeliverySettings, preview: SinkPreview?, context: ComponentContext)], table: RouteTable,
        unrouted: SinkIndex?, bridge: String, logger: Logger
    ) {
        let metrics = Metrics()
        self.sources = sources.map { source in
            let context = source.context
            return Source(
                name: context.name, intake: source.intake, acknowledge: source.acknowledge,
                metrics: SourceMetrics(
                    metrics: context.metrics, logger: context.logger, names: table.names,
                    failing: table.failing(for: context.name)))
        }
        self.sinks = sinks.map { Sink(name: $0.context.name, delivery: $0.delivery, preview: $0.preview) }
        self.table = table
        self.unrouted = unrouted
        self.bridge = bridge
        // A step says itself which events no route takes and which sinks refuse.
        let silent = Logger(label: bridge) { _ in SwiftLogNoOpLogHandler() }
        self.deliveryMetrics = DeliveryMetrics(
            sinks: sinks.map { ($0.context.metrics, silent) }, metrics: metrics, logger: silent)
        self.flowMetrics = FlowMetrics(routes: table.routes, metrics: metrics, logger: logger)
    }
}
