import BridgeCore
import BridgeTesting
import Curl
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import WebhookAdapter

/// A bridge that sends what a test says to one webhook.
struct HookFixture {
    let source = ScriptedSource()
    let refused = RecordingSink()
    let metrics: Metrics
    let bridge: Bridge
    /// What the engine and the sink log.
    let log = RecordedLog()

    private let stopping: AsyncStream<Void>.Continuation
    private let running: Task<Int, Never>

    /// - Parameters:
    ///   - variants: the settings of the file as JSON, without `url` unless they name one; the last one is used.
    ///   - references: the values of `${env:…}` and `${file:…}` in the settings.
    ///   - attempts: after how many refusals for now an event becomes a dead letter.
    init(
        _ url: String, _ variants: String..., attempts: Int = 3, limit: Duration? = nil,
        compiler: (any ExpressionCompiler)? = nil, probeTimeout: Duration = .seconds(5),
        references: [String] = []
    ) throws {
        let metrics = Metrics()
        self.metrics = metrics
        let logger = self.log.logger("test")
        let shared = SharedServices()
        shared.add(CurlMulti())
        let counters = ComponentMetrics(component: "out", kind: "webhook", direction: "sink", metrics: metrics)
        let settings = try (variants.isEmpty ? [""] : variants).map { try Self.configuration(url, $0, compiler: compiler) }
        let redaction = Redaction(settings.map(\.secrets), references: references.map { Secret($0) })
        let context = ComponentContext(
            name: "out", logger: logger, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "b",
            cursors: MemoryCursorStore(), metrics: counters, shared: shared,
            redaction: redaction
        )
        let retry = RetrySettings(
            initial: .milliseconds(1), factor: 1, maximum: .milliseconds(5), attempts: attempts, limit: limit)
        let sink = try WebhookSink(variants: settings, context: context, probeTimeout: probeTimeout)
        let bridge = Bridge(
            sources: [
                SourceParts(
                    name: "in", source: self.source, acknowledge: .delivered, intake: IntakeSettings(bridge: "home"),
                    retry: retry,
                    metrics: ComponentMetrics(component: "in", kind: "scripted", direction: "source", metrics: metrics),
                    logger: logger
                )
            ],
            sinks: [
                SinkParts(
                    name: "out", sink: sink, delivery: DeliverySettings(retry: retry, deadLetter: "refused"), metrics: counters,
                    logger: logger, redaction: redaction
                ),
                SinkParts(
                    name: "refused", sink: self.refused, delivery: DeliverySettings(),
                    metrics: ComponentMetrics(component: "refused", kind: "recording", direction: "sink", metrics: metrics),
                    logger: logger
                ),
            ],
            table: RouteTable(routes: [
                Route(name: "all", targets: [Route.Target(sink: 0, variant: settings.count - 1)])
            ]),
            metrics: metrics, logger: logger
        )
        let (stopped, stopping) = AsyncStream.makeStream(of: Void.self)
        self.bridge = bridge
        self.stopping = stopping
        self.running = Task { await bridge.run(drain: .seconds(10)) { for await _ in stopped {} } }
    }

    static func configuration(
        _ url: String, _ settings: String = "", compiler: (any ExpressionCompiler)? = nil
    ) throws -> WebhookSink.Configuration {
        let own = settings.contains("\"url\"") ? "" : "\"url\": \"\(url)\"\(settings.isEmpty ? "" : ", ")"
        let decoder = JSONDecoder()
        if let compiler { decoder.userInfo[.expressionCompiler] = compiler }
        let configuration = try decoder.decode(WebhookSink.Configuration.self, from: Data("{\(own)\(settings)}".utf8))
        try configuration.validate()
        return configuration
    }

    func stop() async -> Int {
        self.stopping.finish()
        return await self.running.value
    }

    /// Sends messages of one subject, once the bridge runs.
    func send(_ bodies: [String], subject: String = "door", attributes: [Attributes.Element] = []) async throws {
        try await eventually { self.source.outlet != nil }
        self.source.send(
            bodies.map { ReceivedMessage(subject: subject, body: ByteBuffer(string: $0), attributes: Attributes(attributes)) }
        )
    }

    /// Waits until no request is in flight.
    func untilDelivered() async throws {
        try await eventually("everything is delivered") { self.bridge.pending == 0 }
    }

    /// Waits for a dead letter and returns its JSON.
    func deadLetter() async throws -> String {
        try await eventually("there is a dead letter") { self.refused.count > 0 }
        return String(buffer: self.refused.deliveries[0].event.json)
    }
}
