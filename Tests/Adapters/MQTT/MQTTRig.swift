import BridgeCore
import BridgeTesting
import Logging
import NIOCore
import NIOPosix

@testable import MQTTAdapter

/// A bridge of one source and one sink, in this process.
final class MQTTRig: Sendable {
    let metrics = Metrics()
    let cursors: MemoryCursorStore
    /// What the source and the sink log.
    let log: RecordedLog
    private let bridge: Bridge
    private let stop = AsyncStream<Void>.makeStream()

    init(
        _ source: (Metrics) throws -> SourceParts, _ sink: (Metrics) throws -> SinkParts,
        cursors: MemoryCursorStore = MemoryCursorStore(),
        variants: Int = 0, log: RecordedLog = RecordedLog()
    ) throws {
        self.cursors = cursors
        self.log = log
        self.bridge = Bridge(
            sources: [try source(self.metrics)], sinks: [try sink(self.metrics)],
            table: RouteTable(
                routes: [Route(name: "all", targets: (0...variants).map { Route.Target(sink: 0, variant: $0) })]
            ),
            metrics: self.metrics, logger: Self.logger
        )
    }

    /// An MQTT source with these settings, into a recorder.
    convenience init(
        source json: String, into recorder: RecordingSink, ack: AcknowledgePolicy = .delivered,
        cursors: MemoryCursorStore = MemoryCursorStore(),
        buffer: DeliverySettings = DeliverySettings()
    ) throws {
        let log = RecordedLog()
        try self.init(
            { metrics in
                let context = Self.context("in", "source", metrics, cursors)
                let configuration = try settings(MQTTSource.Configuration.self, json)
                try configuration.validate()
                return SourceParts(
                    name: "in", source: try MQTTSource(configuration: configuration, context: context), acknowledge: ack,
                    intake: IntakeSettings(bridge: "test"), retry: Self.fast, metrics: context.metrics, logger: log.logger("in")
                )
            },
            { metrics in
                let context = Self.context("out", "sink", metrics, cursors)
                return SinkParts(
                    name: "out", sink: recorder, delivery: buffer, metrics: context.metrics,
                    logger: log.logger("out"))
            }, cursors: cursors, log: log
        )
    }

    /// What a script sends, into an MQTT sink with these settings.
    convenience init(
        script: ScriptedSource, sink json: String, variants: [String] = [], retry: RetrySettings = MQTTRig.fast,
        answerLimit: Duration = .seconds(30)
    ) throws {
        let log = RecordedLog()
        let cursors = MemoryCursorStore()
        try self.init(
            { metrics in
                let context = Self.context("in", "source", metrics, cursors)
                return SourceParts(
                    name: "in", source: script, acknowledge: .delivered, intake: IntakeSettings(bridge: "other"),
                    retry: Self.fast,
                    metrics: context.metrics, logger: log.logger("in")
                )
            },
            { metrics in
                let context = Self.context("out", "sink", metrics, cursors)
                let configurations = try ([json] + variants).map { json in
                    let configuration = try settings(MQTTSink.Configuration.self, json)
                    try configuration.validate()
                    return configuration
                }
                return SinkParts(
                    name: "out", sink: MQTTSink(variants: configurations, context: context, answerLimit: answerLimit),
                    delivery: DeliverySettings(retry: retry), metrics: context.metrics,
                    logger: log.logger("out")
                )
            }, cursors: cursors, variants: variants.count, log: log
        )
    }

    static let fast = RetrySettings(initial: .milliseconds(5), factor: 1.5, maximum: .milliseconds(50), attempts: 20)

    var source: RunningSource { self.bridge.sources[0] }
    var sink: RunningSink { self.bridge.sinks[0] }

    /// Why attempts of the source or the sink have failed, in order.
    ///
    /// The status shows an error until the next connection only.
    var errors: [String] { self.log.errors }

    /// How many messages the source has forwarded, repeated ones included.
    var receivedCount: Int? {
        let line = self.metrics.render().split(separator: "\n").first { $0.hasPrefix("streambridge_events_received_total{") }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
    }

    /// Runs while `body` does, and ends in order.
    ///
    /// - Returns: how many deliveries were left at the end.
    @discardableResult
    func run(drain: Duration = .seconds(20), _ body: () async throws -> Void) async throws -> Int {
        let stop = self.stop
        let task = Task { @concurrent [bridge] in
            await bridge.run(drain: drain) { for await _ in stop.stream {} }
        }
        do {
            try await body()
        } catch {
            stop.continuation.finish()
            _ = await task.value
            throw error
        }
        stop.continuation.finish()
        return await task.value
    }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func context(_ name: String, _ direction: String, _ metrics: Metrics, _ cursors: MemoryCursorStore)
        -> ComponentContext
    {
        ComponentContext(
            name: name, logger: self.logger, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "test",
            cursors: cursors,
            metrics: ComponentMetrics(component: name, kind: "mqtt", direction: direction, metrics: metrics),
            shared: SharedServices()
        )
    }
}
