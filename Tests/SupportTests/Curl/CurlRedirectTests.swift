import BridgeTesting
import NIOCore
import Testing

@testable import Curl

@Suite(.timeLimit(.minutes(1))) struct CurlRedirectTests {
    private let curl = CurlMulti()

    /// The request after a redirect of one with everything that may be a credential.
    private static func followed(
        _ location: String, _ status: Int = 302, method: String = "GET", url: String = "https://a.example/x/y?z=1"
    ) throws -> CurlRequest {
        var request = CurlRequest(
            url, method: method, body: method == "GET" ? nil : ByteBuffer(string: "{}"), user: "u", password: "p",
            tls: CurlTLS(authorities: "ca", certificate: "cert", key: "key"), redirects: 5
        )
        request.headers = [
            ("Accept", "text/event-stream"), ("X-Api-Key", "k"), ("Authorization", "Bearer t"), ("Cookie", "c=1"),
            ("Last-Event-ID", "7"), ("Content-Type", "application/json"), ("User-Agent", "me"),
        ]
        return try CurlRedirect.request(following: location, status: status, from: request)
    }

    @Test(arguments: [
        ("/b", "https://a.example/b"), ("b", "https://a.example/x/b"), ("?q=2", "https://a.example/x/y?q=2"),
        ("//c.example/d", "https://c.example/d"), ("https://c.example:8443/d", "https://c.example:8443/d"),
        ("../../e", "https://a.example/e"), ("/a b#part", "https://a.example/a%20b"),
        ("https://u:p@a.example/f", "https://a.example/f"), ("https://A.EXAMPLE/g", "https://A.EXAMPLE/g"),
    ]) func `a reference is resolved against the requested address`(_ location: String, _ url: String) throws {
        #expect(try Self.followed(location).url == url)
    }

    @Test(arguments: [
        ("GET", 301, "GET"), ("GET", 302, "GET"), ("GET", 303, "GET"), ("GET", 307, "GET"), ("GET", 308, "GET"),
        ("HEAD", 303, "HEAD"), ("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"), ("POST", 307, "POST"),
        ("POST", 308, "POST"), ("QUERY", 301, "QUERY"), ("QUERY", 302, "QUERY"), ("QUERY", 303, "GET"), ("QUERY", 307, "QUERY"),
        ("QUERY", 308, "QUERY"), ("REPORT", 302, "REPORT"), ("PUT", 303, "GET"),
    ]) func `the status decides about method and body`(_ method: String, _ status: Int, _ expected: String) throws {
        let next = try Self.followed("/b", status, method: method)
        #expect(next.method == expected)
        let keepsBody = expected == method && method != "GET" && method != "HEAD"
        #expect(keepsBody == (next.body == ByteBuffer(string: "{}")) || method == "HEAD")
        #expect(next.headers.contains { $0.name == "Content-Type" } == (expected == method))
    }

    @Test(arguments: ["/b", "https://a.example/", "https://a.example:443/b", "https://A.example/"])
    func `one origin keeps the credentials`(_ location: String) throws {
        let next = try Self.followed(location)
        #expect(next.user == "u" && next.password == "p")
        #expect(next.tls == CurlTLS(authorities: "ca", certificate: "cert", key: "key"))
        #expect(next.headers.count == 7)
    }

    @Test(arguments: ["https://b.example/", "https://a.example:8443/", "//a.example.evil/", "https://a.example.:443/"])
    func `another origin gets no credentials, and neither does a redirect back`(_ location: String) throws {
        let next = try Self.followed(location)
        #expect(next.user == nil && next.password == nil)
        #expect(next.tls == CurlTLS(authorities: "ca"))
        #expect(next.headers.map(\.name) == ["Accept", "Last-Event-ID", "Content-Type", "User-Agent"])
        let back = try CurlRedirect.request(following: "https://a.example/x", status: 302, from: next)
        #expect(back.user == nil && back.headers.count == 4)
    }

    @Test func `http to https is another origin`() throws {
        let next = try Self.followed("https://a.example/x", url: "http://a.example/x")
        #expect(next.user == nil)
        #expect(!next.headers.contains { $0.name == "X-Api-Key" })
    }

    @Test(arguments: [
        ("http://a.example/", "leads from https to http://a.example, which is not followed"),
        ("ftp://a.example/", "which is neither http nor https"), ("file:///etc/passwd", "which is not an address"),
        ("http://[", "which is not an address"), ("https://a.example:99999/", "which is not an address"),
        ("https://" + String(repeating: "x", count: 70_000), "which is not an address"),
    ]) func `a redirect to nowhere or to less safety is refused`(_ location: String, _ reason: String) {
        let error = #expect(throws: CurlError.self) { try Self.followed(location) }
        #expect(error?.code == .request)
        #expect(error?.message.hasSuffix(reason) == true, "\(error?.message ?? "")")
        #expect((error?.message.utf8.count ?? 0) < 400)
    }

    @Test func `a redirect works over real connections and sends the other host no key`() async throws {
        let other = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "there") }
        let port = other.port
        let server = try await ScriptedHTTPServer { request, reply in
            switch request.uri {
            case "/": reply.answer(308, [("Location", "/second")], "id: 1\ndata: x\n\n")
            default: reply.answer(307, [("Location", "http://127.0.0.1:\(port)/third")], "id: 2\ndata: y\n\n")
            }
        }
        let request = CurlRequest(
            server.url(), method: "QUERY", headers: [("X-Api-Key", "k"), ("Accept", "a/b")], body: ByteBuffer(string: "q"),
            user: "u", password: "p", redirects: 5)
        let response = try await self.curl.response(to: request, bodyLimit: 100)
        #expect(response.head.status == 200)
        #expect(String(buffer: response.body) == "there")
        #expect(
            server.requests.map { [$0.method, String(buffer: $0.body), $0["X-Api-Key"] ?? ""] } == [
                ["QUERY", "q", "k"], ["QUERY", "q", "k"],
            ])
        #expect(server.requests.allSatisfy { $0["Authorization"] != nil })
        let seen = try #require(other.requests.first)
        #expect(seen.method == "QUERY" && seen.uri == "/third" && String(buffer: seen.body) == "q")
        #expect(seen["X-Api-Key"] == nil && seen["Authorization"] == nil && seen["Accept"] == "a/b")
        try await server.stop()
        try await other.stop()
    }

    @Test(arguments: [[("Location", "")], []] as [[(String, String)]])
    func `a redirect without a Location is final, with its body`(_ headers: [(String, String)]) async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(302, headers, "moved") }
        let response = try await self.curl.response(to: CurlRequest(server.url(), redirects: 5), bodyLimit: 100)
        #expect(response.head.status == 302)
        #expect(String(buffer: response.body) == "moved")
        #expect(server.requests.count == 1)
        try await server.stop()
    }

    @Test func `the timeout is for all redirects together`() async throws {
        let server = try await ScriptedHTTPServer { request, reply in
            if request.uri == "/" { reply.answer(302, [("Location", "/silent")]) }
        }
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(server.url(), timeout: .milliseconds(300), redirects: 5), bodyLimit: 0)
        }
        #expect(error?.code == .timedOut)
        #expect(server.requests.map(\.uri) == ["/", "/silent"])
        try await server.stop()
    }

    @Test func `what follows a switch of protocols is no body`() async throws {
        let bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ndata: x\n\n"
        let server = try await RawAnswer.serve(ByteBuffer(string: bytes))
        let response = try? await self.curl.response(to: CurlRequest(server.url), bodyLimit: 100)
        #expect(response?.head.status != 200)
        #expect(response.map { $0.head.status == 101 } != false)
    }

    @Test func `bytes without a status line are not an answer`() async throws {
        let server = try await RawAnswer.serve(ByteBuffer(string: "data: x\n\n"))
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(server.url), bodyLimit: 100)
        }
        #expect(error?.isOfAnswer == true)
    }
}
