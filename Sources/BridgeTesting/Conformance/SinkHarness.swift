import BridgeConfiguration
package import BridgeCore
import Testing

/// Runs one sink of a fixture in a real bridge that a ``ScriptedSource`` feeds; a recorder gets the same events, another the dead letters.
package final class SinkHarness: Sendable {
    package let source = ScriptedSource()
    /// Every event as the engine made it, to compare with.
    package let recorder = RecordingSink()
    package let deadLetters = RecordingSink()
    package let bridge: Bridge
    private let drain: Duration

    /// - Throws: `ConfigurationErrors` when the settings are wrong.
    package init<Fixture: SinkFixture>(
        _ fixture: Fixture, _ kit: ConformanceKit, subject: String = "conformance", yaml: String,
        drain: Duration = .seconds(20)
    ) throws {
        let plan = try kit.plan(sink: Fixture.kind, yaml: yaml)
        let (context, metrics) = kit.context(
            name: subject, kind: Fixture.kind, direction: "sink", services: fixture.services, cursors: MemoryCursorStore()
        )
        let sink = try plan.sinks[0].registration.make(plan.sinks[0].variants, context)
        let scripted = ComponentMetrics(component: "scripted", kind: ScriptedSource.kind, direction: "source", metrics: metrics)
        self.drain = drain
        self.bridge = Bridge(
            sources: [
                SourceParts(
                    name: "scripted", source: self.source, acknowledge: .delivered, intake: IntakeSettings(bridge: "conformance"),
                    retry: .quick, metrics: scripted, logger: context.logger
                )
            ],
            sinks: [
                SinkParts(
                    name: subject, sink: sink, delivery: DeliverySettings(retry: .quick, deadLetter: "dead"),
                    metrics: context.metrics, logger: context.logger
                ),
                .recorder(self.recorder, name: "recorder", metrics: metrics),
                .recorder(self.deadLetters, name: "dead", metrics: metrics),
            ],
            table: RouteTable(routes: [Route(name: "all", targets: [Route.Target(sink: 0), Route.Target(sink: 1)])]),
            metrics: metrics, logger: context.logger
        )
    }

    /// The state of the sink under test.
    package var status: ComponentStatus { self.bridge.sinks[0].status }

    /// Runs the bridge while `body` runs, then stops it in order.
    ///
    /// - Returns: what `body` returns, how long stopping took, and how many deliveries were left.
    @discardableResult
    package func run<Value>(
        untilConnected: Bool = true, _ body: () async throws -> Value
    ) async throws -> (value: Value, stopping: Duration, left: Int) {
        try await self.bridge.whileRunning(drain: self.drain, release: {}) {
            if untilConnected {
                try await eventually("the sink is connected, not \(self.status.lastError ?? "silent")") {
                    self.status.isConnected
                }
            }
            try await eventually("the scripted source runs") { self.source.outlet != nil }
            return try await body()
        }
    }
}
