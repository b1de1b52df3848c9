import BridgeConfiguration
package import BridgeCore
import Testing

/// Runs one source of a fixture in a real bridge whose only sink is a ``RecordingSink``.
package final class SourceHarness: Sendable {
    /// What the checks may set.
    package struct Options: Sendable {
        package var acknowledge = AcknowledgePolicy.delivered
        /// How many events may wait for the recorder before the source is told to pause.
        package var buffer = 100_000
        /// Shared by harnesses that stand for one program started again.
        package var cursors = MemoryCursorStore()
        /// How long the end may take.
        package var drain = Duration.seconds(20)

        package init() {}
    }

    package let recorder = RecordingSink()
    package let bridge: Bridge
    private let drain: Duration

    /// - Throws: `ConfigurationErrors` when the fixture's settings are wrong.
    package convenience init<Fixture: SourceFixture>(
        _ fixture: Fixture, _ kit: ConformanceKit, subject: String = "conformance", options: Options = Options()
    ) throws {
        let prepared = try kit.plan(source: Fixture.kind, yaml: fixture.yaml(subject: subject)).sources[0]
        try self.init(name: subject, kind: Fixture.kind, services: fixture.services, options: options) { context in
            try prepared.registration.make(prepared.settings, context)
        }
    }

    /// Runs any source, without a fixture.
    package init(
        name: String, kind: ComponentKind, services: SharedServices = SharedServices(), options: Options = Options(),
        _ make: (ComponentContext) throws -> any Source
    ) rethrows {
        let (context, metrics) = ConformanceKit.context(
            name: name, kind: kind, direction: "source", services: services, cursors: options.cursors
        )
        self.drain = options.drain
        self.bridge = Bridge(
            sources: [
                SourceParts(
                    name: name, source: try make(context), acknowledge: options.acknowledge,
                    intake: IntakeSettings(bridge: "conformance"), retry: .quick, metrics: context.metrics, logger: context.logger
                )
            ],
            sinks: [.recorder(self.recorder, name: "recorder", buffer: options.buffer, metrics: metrics)],
            table: RouteTable(routes: [Route(name: "all", targets: [Route.Target(sink: 0)])]), metrics: metrics,
            logger: context.logger
        )
    }

    /// The state of the source under test.
    package var status: ComponentStatus { self.bridge.sources[0].status }
    /// What the source under test sends into.
    package var outlet: SourceOutlet { self.bridge.sources[0].outlet }

    /// Runs the bridge while `body` runs, then stops it in order.
    ///
    /// - Returns: what `body` returns, how long stopping took, and how many deliveries were left.
    @discardableResult
    package func run<Value>(
        untilConnected: Bool = true, _ body: () async throws -> Value
    ) async throws -> (value: Value, stopping: Duration, left: Int) {
        let recorder = self.recorder
        return try await self.bridge.whileRunning(drain: self.drain, release: { recorder.open() }) {
            if untilConnected {
                try await eventually("the source is connected, not \(self.status.lastError ?? "silent")") {
                    self.status.isConnected
                }
            }
            return try await body()
        }
    }
}

extension RecordingSink {
    /// Takes and confirms everything again.
    fileprivate func open() {
        self.close(false)
        self.hold(false)
    }
}
