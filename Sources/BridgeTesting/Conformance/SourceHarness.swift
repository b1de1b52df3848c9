import BridgeConfiguration
package import BridgeCore
import Testing

/// Runs one source of a fixture in a real bridge whose only sink is a ``RecordingSink``.
package final class SourceHarness: Sendable {
    /// The options that a check can set.
    package struct Options: Sendable {
        /// When the source acknowledges to its peer; by default once the sinks have confirmed.
        package var acknowledge = AcknowledgePolicy.delivered
        /// The number of events that may wait for the recorder before the source is paused; 100 000 by default.
        package var buffer = 100_000
        /// The cursors; harnesses that model restarts of one program share a store.
        package var cursors = MemoryCursorStore()
        /// How long the bridge may take to stop; 20 s by default.
        package var drain = Duration.seconds(20)

        /// Makes the default options.
        package init() {}
    }

    /// Records what the source delivers.
    package let recorder = RecordingSink()
    /// The bridge; source 0 is the one under test.
    package let bridge: Bridge
    /// What the engine and the source under test log.
    package let log = RecordedLog()
    private let drain: Duration

    /// Makes a harness for the source of a fixture.
    ///
    /// - Parameter subject: also the component's name.
    /// - Throws: `ConfigurationErrors` when the fixture's settings are wrong.
    package convenience init<Fixture: SourceFixture>(
        _ fixture: Fixture, _ kit: ConformanceKit, subject: String = "conformance", options: Options = Options()
    ) throws {
        let prepared = try kit.plan(source: Fixture.kind, yaml: fixture.yaml(subject: subject)).sources[0]
        try self.init(name: subject, kind: Fixture.kind, services: fixture.services, options: options) { context in
            try prepared.registration.make(prepared.settings, context)
        }
    }

    /// Makes a harness for any source, without a fixture.
    ///
    /// - Parameter make: makes the source from its context.
    /// - Throws: what `make` throws.
    package init(
        name: String, kind: ComponentKind, services: SharedServices = SharedServices(), options: Options = Options(),
        _ make: (ComponentContext) throws -> any Source
    ) rethrows {
        let (context, metrics) = ConformanceKit.context(
            name: name, kind: kind, direction: "source", services: services, cursors: options.cursors, log: self.log
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

    /// The status of the source under test.
    package var status: ComponentStatus { self.bridge.sources[0].status }
    /// Whether the source under test has failed more often than this, or cannot use its peer now.
    package func hasFailed(moreOftenThan count: Int = 0) -> Bool {
        self.status.lastError != nil || self.log.errors.count > count
    }
    /// The outlet of the source under test.
    package var outlet: SourceOutlet { self.bridge.sources[0].outlet }

    /// Runs the bridge while `body` runs, then stops it in order.
    ///
    /// When `body` throws, the recorder takes and confirms everything again before the stop.
    ///
    /// - Parameter untilConnected: whether to wait for the connection before `body` runs.
    /// - Returns: the result of `body`, how long stopping took, and the number of unconfirmed deliveries.
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
