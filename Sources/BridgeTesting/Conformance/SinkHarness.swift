import BridgeConfiguration
package import BridgeCore
import Testing

/// Runs one sink in a real bridge that a ``ScriptedSource`` feeds; recorders get the same events and the dead letters.
package final class SinkHarness: Sendable {
    /// Feeds the bridge.
    package let source = ScriptedSource()
    /// Records every event as the engine made it, for comparison.
    package let recorder = RecordingSink()
    /// Records the dead letters of the sink under test.
    package let deadLetters = RecordingSink()
    /// The bridge; sink 0 is the one under test.
    package let bridge: Bridge
    /// What the engine and the sink under test log.
    package let log = RecordedLog()
    private let drain: Duration

    /// Makes a harness for the sink of a fixture.
    ///
    /// - Parameters:
    ///   - subject: also the component's name.
    ///   - drain: how long the bridge may take to stop.
    /// - Throws: `ConfigurationErrors` when the settings are wrong.
    package convenience init<Fixture: SinkFixture>(
        _ fixture: Fixture, _ kit: ConformanceKit, subject: String = "conformance", yaml: String, drain: Duration = .seconds(20)
    ) throws {
        let prepared = try kit.plan(sink: Fixture.kind, yaml: yaml).sinks[0]
        try self.init(name: subject, kind: Fixture.kind, services: fixture.services, drain: drain) { context in
            try prepared.registration.make(prepared.variants, context)
        }
    }

    /// Makes a harness for any sink, without a fixture.
    ///
    /// - Parameters:
    ///   - attempts: how many temporary refusals turn an event into a dead letter; 0 for no limit.
    ///   - make: makes the sink from its context.
    /// - Throws: what `make` throws.
    package init(
        name: String, kind: ComponentKind, services: SharedServices = SharedServices(), drain: Duration = .seconds(20),
        attempts: Int = 0, _ make: (ComponentContext) throws -> any Sink
    ) rethrows {
        let (context, metrics) = ConformanceKit.context(
            name: name, kind: kind, direction: "sink", services: services, cursors: MemoryCursorStore(), log: self.log
        )
        let sink = try make(context)
        let scripted = ComponentMetrics(component: "scripted", kind: ScriptedSource.kind, direction: "source", metrics: metrics)
        self.drain = drain
        var retry = RetrySettings.quick
        retry.attempts = attempts
        self.bridge = Bridge(
            sources: [
                SourceParts(
                    name: "scripted", source: self.source, acknowledge: .delivered, intake: IntakeSettings(bridge: "conformance"),
                    retry: .quick, metrics: scripted, logger: context.logger
                )
            ],
            sinks: [
                SinkParts(
                    name: name, sink: sink, delivery: DeliverySettings(retry: retry, deadLetter: "dead"),
                    metrics: context.metrics, logger: context.logger
                ),
                .recorder(self.recorder, name: "recorder", metrics: metrics),
                .recorder(self.deadLetters, name: "dead", metrics: metrics),
            ],
            table: RouteTable(routes: [Route(name: "all", targets: [Route.Target(sink: 0), Route.Target(sink: 1)])]),
            metrics: metrics, logger: context.logger
        )
    }

    /// The status of the sink under test.
    package var status: ComponentStatus { self.bridge.sinks[0].status }
    /// Whether the sink under test has failed more often than this, or cannot use its peer now.
    package func hasFailed(moreOftenThan count: Int = 0) -> Bool {
        self.status.lastError != nil || self.log.errors.count > count
    }

    /// Runs the bridge while `body` runs, then stops it in order.
    ///
    /// - Parameter untilConnected: whether to wait for the connection before `body` runs.
    /// - Returns: the result of `body`, how long stopping took, and the number of unconfirmed deliveries.
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
