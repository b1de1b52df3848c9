package import BridgeConfiguration
package import BridgeCore
import Logging
import NIOCore
import NIOPosix

/// A file that can be rehearsed: its plan with everything that needs no peer.
///
/// Not thread-safe.
package final class PlanRehearsal {
    /// The plan.
    package let plan: BridgePlan
    /// The sources, sinks and routes.
    package let stage: RehearsalStage
    /// What the program would log about events.
    package let notes: RehearsalNotes
    private let contexts: [ComponentContext]
    /// Hides the values of `${env:…}` and `${file:…}`, and the secrets of sources and sinks, in all that is printed.
    package let redaction: Redaction

    /// - Throws: what a sink throws whose messages cannot be rendered.
    package init(_ plan: BridgePlan) throws {
        self.plan = plan
        let notes = RehearsalNotes()
        self.notes = notes
        let bridge = plan.service.name ?? "streambridge"
        let (metrics, shared, cursors) = (Metrics(), SharedServices(), NoCursors())
        shared.add(BridgeControl(sources: plan.sources.map(\.name), sinks: plan.sinks.map(\.name), routes: plan.routeLabels))
        func context(_ name: String, _ kind: ComponentKind, _ direction: String) -> ComponentContext {
            ComponentContext(
                name: name, logger: notes.logger(name), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: bridge,
                cursors: cursors, metrics: ComponentMetrics(component: name, kind: kind, direction: direction, metrics: metrics),
                shared: shared)
        }
        let contexts = plan.sources.map { context($0.name, $0.registration.kind, "source") }
        self.contexts = contexts
        self.stage = RehearsalStage(
            sources: zip(plan.sources, contexts).map { source, context in
                (
                    IntakeSettings(normalise: source.normalise, bridge: bridge, maximumHops: plan.service.maximumHops),
                    source.acknowledge, context
                )
            },
            sinks: try plan.sinks.map { sink in
                let context = context(sink.name, sink.registration.kind, "sink")
                return (sink.delivery, try sink.registration.preview?(sink.variants, context), context)
            },
            table: RouteTable(routes: plan.routes, sinks: plan.sinks.map(\.name), limits: plan.limits),
            unrouted: plan.unroutedSink, bridge: bridge,
            logger: notes.logger("streambridge"))
        var references = SecretTexts()
        for reference in plan.references { references.add(reference) }
        self.redaction = Redaction(
            [references] + plan.sources.map(\.settings.secrets) + plan.sinks.flatMap { $0.variants.map(\.secrets) })
    }

    /// Begins a rehearsal in which nothing has happened yet.
    package func begin(at start: Timestamp) -> Rehearsal { Rehearsal(self.stage, start: start) }

    /// Makes what reads the messages of a source, with nothing remembered; `nil` for a kind without such messages.
    ///
    /// - Throws: what the source throws.
    package func reading(of source: SourceIndex) throws -> SampleReading<any SettingGroup>? {
        let prepared = self.plan.sources[source.rawValue]
        return try prepared.registration.sample?.reading(
            prepared.settings, self.contexts[source.rawValue], prepared.normalise.opening)
    }
}

extension BridgePlan {
    /// The routes as components know them.
    fileprivate var routeLabels: [BridgeControl.RouteLabel] {
        self.routes.map { route in
            BridgeControl.RouteLabel(
                name: route.name, identity: route.identity, isNamed: route.fingerprint == nil,
                sinks: route.targets.map { self.sinks[$0.sink.rawValue].name })
        }
    }
}

/// Keeps nothing: a rehearsal reads no peer.
private struct NoCursors: CursorStore {
    func cursor(of source: String) -> String? { nil }
    func move(_ cursor: String, of source: String) {}
}
