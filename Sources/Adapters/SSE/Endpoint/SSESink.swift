package import BridgeCore
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1

/// The SSE endpoint: offers what it is given at `GET /api/stream/{stream}`.
///
/// An event is confirmed once it is in the stream's memory and on its way to those who listen; subscribers that were away ask for
/// what they missed. Path and history live as long as the sink, whatever happens to its `run`: a browser that is answered 404 while the
/// program starts does not come back.
package final class SSESink: Sink {
    package typealias Configuration = SSESinkConfiguration

    package static let kind: ComponentKind = "sse"

    private let router: HTTPRouter
    let hub: SSEHub
    private let registrations: [HTTPRouter.Registration]
    private let path: String
    private let logger: Logger

    package init(variants: [SSESinkConfiguration], context: ComponentContext) throws {
        let configuration = variants[0]
        self.router = try context.shared.find(HTTPRouter.self)
        self.hub = SSEHub(
            configuration: configuration, group: context.eventLoopGroup, metrics: SSEMetrics(context.metrics)
        )
        self.path = "/api/stream/\(configuration.stream)"
        self.registrations = try Self.register(
            self.path, SSEEndpoint(configuration: configuration, hub: self.hub), on: self.router
        )
        self.logger = context.logger
    }

    deinit {
        self.registrations.forEach(self.router.unregister)
    }

    package func run(_ inlet: SinkInlet) async throws {
        inlet.connected()
        self.logger.notice("SSE stream offered", metadata: ["path": "\(self.path)", "epoch": "\(self.hub.epoch)"])
        try await SSEFeed(inlet: inlet, hub: self.hub).run()
        await self.hub.close(within: .seconds(2))
    }

    private static func register(
        _ path: String, _ endpoint: SSEEndpoint, on router: HTTPRouter
    ) throws -> [HTTPRouter.Registration] {
        do {
            return [
                try router.registerStream(.GET, path) { endpoint.answer($0, framing: $1) },
                try router.register(.OPTIONS, path, bodyLimit: 0) { $1.respond(endpoint.preflight($0)) },
            ]
        } catch {
            throw ComponentError(.settings, "the stream cannot be offered at \(path)", isRetryable: false, cause: error)
        }
    }
}
