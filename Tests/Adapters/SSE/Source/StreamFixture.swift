import BridgeCore
import BridgeTesting
import Curl
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import SSEAdapter

/// A bridge that reads one stream into a recording sink.
struct StreamFixture {
    let sink: RecordingSink
    let bridge: Bridge
    let metrics: Metrics
    /// What the engine and the source log.
    let log = RecordedLog()

    private let stopping: AsyncStream<Void>.Continuation
    private let running: Task<Int, Never>

    /// - Parameters:
    ///   - settings: those of the file, as JSON without `url`.
    ///   - buffer: how many deliveries may wait for the sink.
    ///   - rest: the unit of the waits between connections, one second in the program.
    init(
        _ url: String, _ settings: String = "", cursors: any CursorStore = MemoryCursorStore(),
        acknowledge: AcknowledgePolicy = .delivered, buffer: Int = 100_000, sink: RecordingSink = RecordingSink(),
        rest: Duration = .milliseconds(20)
    ) throws {
        let metrics = Metrics()
        let logger = self.log.logger("test")
        let shared = SharedServices()
        shared.add(CurlMulti())
        let counters = ComponentMetrics(component: "in", kind: "sse", direction: "source", metrics: metrics)
        let context = ComponentContext(
            name: "in", logger: logger, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "b", cursors: cursors,
            metrics: counters, shared: shared
        )
        let retry = RetrySettings(initial: .milliseconds(1), factor: 1, maximum: .milliseconds(5))
        let source = try SSESource(
            configuration: try Self.configuration(url, settings), context: context, reconnect: SSEReconnectPolicy(rest: rest))
        let bridge = Bridge(
            sources: [
                SourceParts(
                    name: "in", source: source, acknowledge: acknowledge, intake: IntakeSettings(bridge: "b"), retry: retry,
                    metrics: counters, logger: logger
                )
            ],
            sinks: [
                SinkParts(
                    name: "out", sink: sink, delivery: DeliverySettings(events: buffer),
                    metrics: ComponentMetrics(component: "out", kind: "recording", direction: "sink", metrics: metrics),
                    logger: logger
                )
            ],
            table: RouteTable(routes: [Route(name: "all", targets: [Route.Target(sink: 0)])]), metrics: metrics, logger: logger
        )
        let (stopped, stopping) = AsyncStream.makeStream(of: Void.self)
        self.sink = sink
        self.bridge = bridge
        self.metrics = metrics
        self.stopping = stopping
        self.running = Task { await bridge.run(drain: .seconds(60)) { for await _ in stopped {} } }
    }

    static func configuration(_ url: String, _ settings: String = "") throws -> SSESource.Configuration {
        let json = "{\"url\": \"\(url)\"\(settings.isEmpty ? "" : ", ")\(settings)}"
        let configuration = try JSONDecoder().decode(SSESource.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return configuration
    }

    /// Stops the bridge as a signal would, and returns how many deliveries were left.
    @discardableResult
    func stop() async -> Int {
        self.stopping.finish()
        return await self.running.value
    }

    /// Waits until the sink has this many events, without gaps, and returns their bodies.
    func bodies(_ count: Int) async throws -> [String] {
        try await eventually("\(count) events have arrived, there are \(self.sink.events.count)") {
            self.sink.events.count >= count
        }
        return self.sink.bodies.map { String(buffer: $0) }
    }

    /// Waits until the source has failed and returns why.
    func failure() async throws -> String {
        try await eventually("the source has failed") { !self.log.errors.isEmpty }
        return self.log.errors[0]
    }

    func isConnected() async throws {
        try await eventually("the source is connected") { self.bridge.sources[0].status.isConnected }
    }
}
