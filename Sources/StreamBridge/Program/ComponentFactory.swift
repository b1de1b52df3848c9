import BridgeConfiguration
import BridgeCore
import Logging
import NIOCore

/// Makes the sources and sinks of a file.
struct ComponentFactory: Sendable {
    /// The program's log, state and name, which no reload changes.
    let log: Gateway.StartedLog
    let group: any EventLoopGroup
    let metrics: Metrics
    let makeLogger: @Sendable (String) -> Logger

    /// What several components of one file need.
    struct Context: Sendable {
        let shared: SharedServices
        /// The values of all references in the file.
        let references: [Secret]
        let maximumHops: Int
        /// Whether the components wait for their activation.
        let isStaged: Bool
    }

    /// - Parameter variants: the sink's own settings and those of its routes.
    /// - Throws: ``ComponentError``.
    func sink(_ sink: PreparedSink, variants: [any ComponentConfiguration], _ context: Context) throws -> SinkParts {
        let figures = ComponentMetrics(
            component: sink.name, kind: sink.registration.kind, direction: "sink", metrics: self.metrics)
        let redaction = Redaction(variants.map(\.secrets), references: context.references)
        return SinkParts(
            name: sink.name, sink: try sink.registration.make(variants, self.context(sink.name, figures, redaction, context)),
            delivery: sink.delivery, metrics: figures, logger: self.makeLogger(sink.name), redaction: redaction
        )
    }

    /// - Throws: ``ComponentError``.
    func source(_ source: PreparedSource, _ context: Context) throws -> SourceParts {
        let figures = ComponentMetrics(
            component: source.name, kind: source.registration.kind, direction: "source", metrics: self.metrics)
        let redaction = Redaction([source.settings.secrets], references: context.references)
        return SourceParts(
            name: source.name,
            source: try source.registration.make(source.settings, self.context(source.name, figures, redaction, context)),
            acknowledge: source.acknowledge,
            intake: IntakeSettings(
                normalise: source.normalise, bridge: self.log.bridge, maximumHops: context.maximumHops,
                emitsGaps: source.emitsGaps
            ),
            retry: source.retry, metrics: figures, logger: self.makeLogger(source.name), redaction: redaction
        )
    }

    private func context(
        _ component: String, _ metrics: ComponentMetrics, _ redaction: Redaction, _ context: Context
    ) -> ComponentContext {
        ComponentContext(
            name: component, logger: self.makeLogger(component), eventLoopGroup: self.group, bridge: self.log.bridge,
            cursors: self.log.durable?.cursors ?? self.log.files, metrics: metrics, shared: context.shared,
            isDurable: self.log.durable != nil, redaction: redaction, isStaged: context.isStaged
        )
    }
}
