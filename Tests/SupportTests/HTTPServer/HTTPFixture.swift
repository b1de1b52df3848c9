import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Starts a server on a free port for one test and shuts it down afterwards.
func withServer<Result>(
    _ change: (inout HTTPServerConfiguration) -> Void = { _ in },
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    _ body: (HTTPRouter, Int, HTTPServer) async throws -> Result
) async throws -> Result {
    var configuration = HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0))
    change(&configuration)
    let router = HTTPRouter()
    let server = HTTPServer(
        configuration: configuration, router: router, group: MultiThreadedEventLoopGroup.singleton,
        logger: logger
    )
    let address = try await server.start()
    do {
        let result = try await body(router, address.port ?? 0, server)
        await server.shutdown(deadline: .now + .milliseconds(500))
        return result
    } catch {
        await server.shutdown(deadline: .now)
        throw error
    }
}

/// One answer as a client reads it.
struct Answer: Equatable {
    var status: Int
    var headers: [String: String]
    var body: String
}

extension RawConnection {
    /// Reads one answer with a `Content-Length`, or without a body.
    func answer(isHead: Bool = false) async throws -> Answer {
        let lines = try await self.receive(through: "\r\n\r\n").split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = isHead ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        return Answer(status: status, headers: headers, body: try await self.receive(count: length))
    }
}

/// Answers `200` with what was asked: method, path, parameters and body.
let echo: HTTPRouter.BufferedHandler = { request, responder in
    let parameters = request.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    responder.respond(
        HTTPResponse(
            .ok, body: ByteBuffer(string: "\(request.method) \(request.path) [\(parameters)] \(String(buffer: request.body))"))
    )
}
