import BridgeCore
import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import WebhookAdapter

/// A webhook source in its own bridge, with one recording sink.
struct WebhookFixture: Sendable {
    let sink: RecordingSink
    let bridge: Bridge
    let port: Int
    let metrics: Metrics
    /// A loop of the server; its only one where the test has chosen so.
    let loop: any EventLoop
    /// Ends the bridge.
    let stop: @Sendable () -> Void

    /// Runs a bridge with a source for the ids `h` and `h2` for one test.
    static func run<Result: Sendable>(
        acknowledge: AcknowledgePolicy = .received, limits: LogLimits = LogLimits(),
        delivery: DeliverySettings = DeliverySettings(), when condition: (any Expression)? = nil,
        group: MultiThreadedEventLoopGroup = .singleton, onLivez: @escaping @Sendable () -> Void = {},
        _ change: (inout WebhookSourceConfiguration) -> Void = { _ in },
        _ body: (WebhookFixture) async throws -> Result
    ) async throws -> Result {
        var configuration = WebhookSourceConfiguration(ids: ["h", "h2"])
        change(&configuration)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let router = HTTPRouter()
        _ = try router.register(.GET, "/livez") { _, responder in
            onLivez()
            responder.respond(HTTPResponse(.ok))
        }
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0)), router: router, group: group,
            logger: logger
        )
        let shared = SharedServices()
        shared.add(router)
        let metrics = Metrics()
        let figures = ComponentMetrics(component: "hook", kind: "webhook", direction: "source", metrics: metrics)
        let source = try WebhookSource(
            configuration: configuration,
            context: ComponentContext(
                name: "hook", logger: logger, eventLoopGroup: group, bridge: "b", cursors: MemoryCursorStore(), metrics: figures,
                shared: shared
            )
        )
        let sink = RecordingSink()
        let bridge = Bridge(
            sources: [
                SourceParts(
                    name: "hook", source: source, acknowledge: acknowledge, intake: IntakeSettings(bridge: "b"),
                    retry: RetrySettings(), metrics: figures, logger: logger
                )
            ],
            sinks: [
                SinkParts(
                    name: "out", sink: sink, delivery: delivery,
                    metrics: ComponentMetrics(component: "out", kind: "recording", direction: "sink", metrics: metrics),
                    logger: logger
                )
            ],
            table: RouteTable(routes: [Route(name: "r", when: condition, targets: [Route.Target(sink: 0)])]), limits: limits,
            metrics: metrics,
            logger: logger
        )
        let address = try await server.start()
        let (ending, end) = AsyncStream<Void>.makeStream()
        async let left = bridge.run(drain: .seconds(2)) { for await _ in ending { break } }
        let fixture = WebhookFixture(
            sink: sink, bridge: bridge, port: address.port ?? 0, metrics: metrics, loop: group.any(),
            stop: { end.yield() })
        do {
            try await fixture.waitUntilReady()
            let result = try await body(fixture)
            sink.hold(false)
            sink.close(false)
            end.yield()
            _ = await left
            await server.shutdown(deadline: .now + .milliseconds(200))
            return result
        } catch {
            sink.hold(false)
            sink.close(false)
            end.yield()
            _ = await left
            await server.shutdown(deadline: .now)
            throw error
        }
    }

    /// Before the source runs it answers 503.
    private func waitUntilReady() async throws {
        try await eventually("the source takes requests") { self.bridge.sources[0].status.isConnected }
    }

    /// Posts a body on a connection of its own.
    func post(_ body: String, to path: String = "/api/webhooks/h", headers: String = "") async throws -> Answer {
        let connection = try RawConnection(port: self.port)
        try await Self.send(body, to: path, headers: headers, on: connection)
        return try await Answer.read(from: connection)
    }

    static func send(_ body: String, to path: String = "/api/webhooks/h", headers: String = "", on connection: RawConnection)
        async throws
    {
        try await connection.send(
            "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
        )
    }
}

/// One answer as a client reads it.
struct Answer {
    var status: Int
    var head: String
    var body: String

    static func read(from connection: RawConnection) async throws -> Answer {
        let head = try await connection.receive(through: "\r\n\r\n")
        let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let count = length.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
        return Answer(
            status: Int(head.split(separator: " ")[1]) ?? 0, head: head, body: try await connection.receive(count: count)
        )
    }

    /// The value of a member of the body, which is flat.
    func member(_ name: String) -> String? {
        self.body.split(separator: "\"\(name)\":\"").dropFirst().first.flatMap { $0.split(separator: "\"").first }.map(
            String.init)
    }
}
