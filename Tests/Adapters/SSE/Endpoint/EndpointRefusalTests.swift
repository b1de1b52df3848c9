import BridgeCore
import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

/// What is refused by the head of a request, and what a page reads of it.
@Suite struct EndpointRefusalTests {
    private static let page = "Origin: https://a.example\r\n"

    @Test(arguments: [
        ("PUT /api/stream/s", "", "", 405), ("DELETE /api/stream?streams=s", "", "", 405),
        ("GET /api/stream/s", "Content-Length: 1\r\n", "x", 400),
        ("POST /api/stream/s", "Content-Length: 65537\r\n", "", 413),
        ("QUERY /api/stream/s", "Content-Length: 65537\r\n", "", 413),
        ("POST /api/stream/s", "Transfer-Encoding: chunked\r\n", "10001\r\n" + String(repeating: "x", count: 65537), 413),
        ("POST /api/stream?streams=s", "Transfer-Encoding: chunked\r\n", "10001\r\n" + String(repeating: "x", count: 65537), 413),
        ("GET /api/stream/s?" + String(repeating: "x", count: 9000), "", "", 414),
        ("GET /api/stream/s", "Expect: magic\r\n", "", 417), ("GET /api/stream/s", "Host: y\r\n", "", 400),
        ("POST /api/stream/s", "Transfer-Encoding: gzip\r\n", "", 501),
        ("POST /api/stream/s", "Content-Length: 5\r\n", "", 408),
    ])
    func `a refusal by the server itself has the CORS fields`(
        _ line: String, _ fields: String, _ body: String, _ status: Int
    ) async throws {
        try await EndpointFixture.run(
            { $0.cors.origins = ["https://a.example"] }, server: { $0.bodyTimeout = .milliseconds(500) }
        ) { endpoint in
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send("\(line) HTTP/1.1\r\nHost: x\r\n\(Self.page)\(fields)\r\n\(body)")
            let head = try await connection.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
            #expect(head.contains("Access-Control-Allow-Origin: https://a.example\r\n"), "\(head)")
            #expect(head.contains("Vary: Origin\r\n"), "\(head)")
            #expect(head.components("Access-Control-Allow-Origin") == 1, "\(head)")
        }
    }

    @Test func `a refusal for another origin, or for a missing stream, has no CORS fields`() async throws {
        try await EndpointFixture.run({ $0.cors.origins = ["https://a.example"] }) { endpoint in
            for (line, origin) in [("PUT /api/stream/s", "https://b.example"), ("PUT /api/stream/none", "https://a.example")] {
                let reader = try await endpoint.request(line, headers: "Origin: \(origin)\r\n")
                #expect(reader.status == 405)
                #expect(!reader.head.contains("Access-Control"), "\(reader.head)")
            }
        }
    }

    @Test func `above the connection limit, browsers are asked to reconnect, and programs get a status`()
        async throws
    {
        try await EndpointFixture.run({ $0.cors.origins = ["https://a.example"] }, server: { $0.connections = 1 }) { endpoint in
            let first = try await endpoint.open()
            #expect(first.status == 200)
            let browser = try await endpoint.open(headers: Self.page + "Accept: text/event-stream\r\n")
            #expect(browser.status == 200)
            #expect(browser.head.contains("Access-Control-Allow-Origin: https://a.example\r\n"), "\(browser.head)")
            let body = try await browser.body()
            #expect(
                body.hasPrefix("retry: ") && body.hasSuffix("\nevent: cursor\ndata:{\"error\":\"Too many connections\"}\n\n"),
                "\(body)")
            let program = try await endpoint.open(headers: Self.page)
            #expect(program.status == 503)
            #expect(program.head.contains("Retry-After: 5\r\n"))
            #expect(program.head.contains("Access-Control-Allow-Origin: https://a.example\r\n"), "\(program.head)")
            let unknown = try await endpoint.request("GET /api/stream/none", headers: "Accept: text/event-stream\r\n")
            #expect(unknown.status == 503)
        }
    }

    // MARK: - Access

    @Test(arguments: ["POST", "QUERY"])
    func `the token of a stream is checked before the body is read`(_ method: String) async throws {
        try await EndpointFixture.run({
            $0.token = Secret("s3cret")
            $0.cors.origins = ["*"]
        }) { endpoint in
            for fields in ["", "Authorization: Bearer wrong\r\n"] {
                let refused = try await Self.ask(endpoint, "\(method) /api/stream/s", fields)
                #expect(refused.hasPrefix("HTTP/1.1 401 "), "\(refused)")
                #expect(refused.contains("Access-Control-Allow-Origin: *\r\n"), "\(refused)")
            }
            // Which stream the body names is not known yet.
            for target in ["/api/stream/s", "/api/stream?streams=s", "/api/stream"] {
                let granted = try await Self.ask(endpoint, "\(method) \(target)", "Authorization: Bearer s3cret\r\n")
                #expect(granted.hasPrefix("HTTP/1.1 100 "), "\(target): \(granted)")
            }
        }
    }

    @Test func `access is decided by the path before the body is read, and by all names after it`() async throws {
        let access = RecordingAccess()
        try await EndpointFixture.run(access: access) { endpoint in
            let other = try endpoint.offer("other")
            let token = try endpoint.offer("token") { $0.token = Secret("its own") }
            for (target, fields, status) in [
                ("/api/stream/s", "", 401), ("/api/stream", "", 401), ("/api/stream", "Authorization: Bearer bad\r\n", 401),
                ("/api/stream/other", "Authorization: Bearer s\r\n", 403), ("/api/stream/s", "Authorization: Bearer s\r\n", 100),
                ("/api/stream?streams=other", "Authorization: Bearer s\r\n", 403),
                ("/api/stream", "Authorization: Bearer s\r\n", 100),
                ("/api/stream", "Authorization: Bearer its own\r\n", 100),
            ] {
                let answer = try await Self.ask(endpoint, "POST \(target)", fields)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(target) \(fields): \(answer)")
            }
            access.clear()
            let mixed = try await endpoint.request(
                "POST /api/stream/s", headers: "Authorization: Bearer s\r\nContent-Type: application/json\r\n",
                body: #"{"streams":["other"]}"#)
            #expect(mixed.status == 403)
            #expect(access.names == [["s"], ["other", "s"]])
            let own = try await endpoint.request(
                "POST /api/stream/s", headers: "Authorization: Bearer s\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                body: "since=earliest")
            #expect(own.status == 200)
            let body = try await endpoint.request(
                "POST /api/stream", headers: "Authorization: Bearer its own\r\nContent-Type: application/json\r\n",
                body: #"{"streams":["token"]}"#)
            #expect(body.status == 200)
            #expect(other.stream.subscribers == 0 && token.stream.subscribers == 1)
        }
    }

    @Test func `while access cannot be decided, browsers are asked to reconnect`() async throws {
        let access = RecordingAccess()
        try await EndpointFixture.run(access: access) { endpoint in
            for method in ["GET", "POST"] {
                let fields = "Authorization: Bearer later\r\n"
                let browser = try await endpoint.request(
                    "\(method) /api/stream/s", headers: fields + "Accept: text/event-stream\r\n")
                #expect(browser.status == 200)
                #expect(try await browser.body().hasPrefix("retry: "))
                #expect(try await endpoint.request("\(method) /api/stream/s", headers: fields).status == 503)
            }
        }
    }

    /// Announces a body, and does not send it before `100 Continue`.
    ///
    /// - Returns: the first head that is answered.
    private static func ask(_ endpoint: EndpointFixture, _ line: String, _ fields: String) async throws -> String {
        let connection = try RawConnection(port: endpoint.port)
        try await connection.send(
            "\(line) HTTP/1.1\r\nHost: x\r\n\(fields)Expect: 100-continue\r\nContent-Length: 60000\r\n\r\n")
        return try await connection.receive(through: "\r\n\r\n")
    }
}

/// Grants the bearer of the token `s` the stream of this name, knows no other token, and remembers what it was asked.
private final class RecordingAccess: HTTPAccess {
    private let asked = Mutex<[[String]]>([])

    var names: [[String]] { self.asked.withLock { $0 } }

    func clear() { self.asked.withLock { $0 = [] } }

    func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant> {
        self.asked.withLock { $0.append(names) }
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        switch request.bearerToken {
        case "s": return loop.makeSucceededFuture(HTTPGrant(name: "s", subscribe: ["s"]))
        case "later": return loop.makeFailedFuture(HTTPRefusal(.error(.serviceUnavailable, "Access cannot be decided now")))
        default: return loop.makeFailedFuture(HTTPRefusal.unauthorized)
        }
    }

    func admit(_ request: HTTPRequest) -> EventLoopFuture<Void> {
        self.grant(request, names: []).map { _ in }
    }

    func refused(_ request: HTTPRequest) {}
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ text: String) -> Int {
        self.split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
