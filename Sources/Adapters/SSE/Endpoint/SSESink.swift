package import BridgeCore
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1

/// The SSE endpoint: offers what it is given at `GET /api/stream/{stream}`.
///
/// An event is confirmed once it is in the stream's memory and on its way to those who listen; subscribers that were away ask for
/// what they missed. The history lives as long as the sink, whatever happens to its `run`.
package final class SSESink: Sink {
    package typealias Configuration = SSESinkConfiguration

    package static let kind: ComponentKind = "sse"

    private let router: HTTPRouter
    let hub: SSEHub
    private let endpoint: SSEEndpoint
    private let path: String
    private let logger: Logger

    package init(variants: [SSESinkConfiguration], context: ComponentContext) throws {
        let configuration = variants[0]
        self.router = try context.shared.find(HTTPRouter.self)
        self.hub = SSEHub(
            configuration: configuration, group: context.eventLoopGroup, metrics: SSEMetrics(context.metrics)
        )
        self.endpoint = SSEEndpoint(configuration: configuration, hub: self.hub)
        self.path = "/api/stream/\(configuration.stream)"
        self.logger = context.logger
    }

    package func run(_ inlet: SinkInlet) async throws {
        let registrations = try self.register()
        defer { registrations.forEach(self.router.unregister) }
        inlet.connected()
        self.logger.notice("SSE stream offered", metadata: ["path": "\(self.path)", "epoch": "\(self.hub.epoch)"])
        try await SSEFeed(inlet: inlet, hub: self.hub).run()
        registrations.forEach(self.router.unregister)
        await self.hub.close(within: .seconds(2))
    }

    /// Offers the path; what is returned takes it back.
    func register() throws -> [HTTPRouter.Registration] {
        do {
            return [
                try self.router.registerStream(.GET, self.path) { self.endpoint.answer($0, framing: $1) },
                try self.router.register(.OPTIONS, self.path, bodyLimit: 0) { $1.respond(self.endpoint.preflight($0)) },
            ]
        } catch {
            throw ComponentError(.settings, "the stream cannot be offered at \(self.path)", isRetryable: false, cause: error)
        }
    }
}
