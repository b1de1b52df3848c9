import BridgeCore
import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOPosix

/// The program's HTTP server, for adapters that register their paths on it.
struct LocalHTTPServer: Sendable {
    let router: HTTPRouter
    let port: Int
    let services: SharedServices
    private let server: HTTPServer

    static func start() async throws -> LocalHTTPServer {
        let router = HTTPRouter()
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0)), router: router,
            group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "http") { _ in SwiftLogNoOpLogHandler() }
        )
        guard let port = try await server.start().port else { throw PeerError("the HTTP server has no port") }
        let services = SharedServices()
        services.add(router)
        return LocalHTTPServer(router: router, port: port, services: services, server: server)
    }

    func stop() async {
        await self.server.shutdown(deadline: .now + .milliseconds(500))
    }
}
