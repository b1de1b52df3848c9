import BridgeTesting
import Curl
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct CurlResponseTests {
    private let curl = CurlMulti()

    @Test func `a request arrives as it was made`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(201, [("X-Answer", " yes ")], "done") }
        var request = CurlRequest(server.url("/a/../b?c=%20"), method: "POST", body: ByteBuffer(string: "hello"))
        request.headers = [("X-One", "1"), ("X-Empty", ""), ("Content-Type", "text/plain")]
        request.user = "me"
        request.password = "pass word"
        let response = try await self.curl.response(to: request, bodyLimit: 100)
        #expect(response.head.status == 201)
        #expect(response.head.line == "201 Created")
        #expect(response.head["x-answer"] == "yes")
        #expect(String(buffer: response.body) == "done")
        let seen = try #require(server.requests.first)
        #expect(seen.method == "POST")
        #expect(seen.uri == "/a/../b?c=%20")
        #expect(seen["X-One"] == "1")
        #expect(seen["X-Empty"] == "")
        #expect(seen["Content-Type"] == "text/plain")
        #expect(seen["Authorization"] == "Basic bWU6cGFzcyB3b3Jk")
        #expect(seen["Expect"] == nil)
        #expect(String(buffer: seen.body) == "hello")
        try await server.stop()
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
    func `every method arrives under its own name`(_ method: String) async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(200) }
        _ = try await self.curl.response(to: CurlRequest(server.url(), method: method), bodyLimit: 0)
        #expect(server.requests.map(\.method) == [method])
        if ["POST", "PUT", "PATCH"].contains(method) { #expect(server.requests[0]["Content-Length"] == "0") }
        #expect(server.requests[0]["Content-Type"] == nil)
        try await server.stop()
    }

    @Test(arguments: [0, 1, 100_000, 3 << 20])
    func `a body of any size and any bytes arrives whole`(_ size: Int) async throws {
        let server = try await ScriptedHTTPServer { request, reply in
            reply.begin(200, [("Content-Length", "\(request.body.readableBytes)")])
            reply.write(request.body)
            reply.end()
        }
        let body = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let response = try await self.curl.response(
            to: CurlRequest(server.url(), method: "PUT", body: body), bodyLimit: size
        )
        #expect(server.requests.first?.body == body)
        #expect(response.body == body)
        try await server.stop()
    }

    @Test func `a body beyond the limit is cut and the connection used again`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], String(repeating: "x", count: 100_000)) }
        for _ in 0..<3 {
            let response = try await self.curl.response(to: CurlRequest(server.url()), bodyLimit: 10)
            #expect(String(buffer: response.body) == "xxxxxxxxxx")
        }
        #expect(server.requests.map(\.connection) == [1, 1, 1])
        try await server.stop()
    }

    @Test func `a body that does not end is cut, and its connection closed`() async throws {
        let (answers, continuation) = AsyncStream.makeStream(of: ScriptedHTTPServer.Reply.self)
        let server = try await ScriptedHTTPServer { _, reply in
            continuation.yield(reply)
            reply.begin(200)
            for _ in 0..<4 { reply.write(ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)) }
        }
        let response = try await self.curl.response(to: CurlRequest(server.url()), bodyLimit: 10)
        #expect(response.head.status == 200)
        #expect(String(buffer: response.body) == "xxxxxxxxxx")
        var iterator = answers.makeAsyncIterator()
        try await iterator.next()?.untilClosed()
        try await server.stop()
    }

    @Test func `many transfers run at once`() async throws {
        let server = try await ScriptedHTTPServer { request, reply in reply.answer(200, [], request.uri) }
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask { [curl = self.curl] in
                    String(buffer: try await curl.response(to: CurlRequest(server.url("/\(number)")), bodyLimit: 10).body)
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers == Set((0..<100).map { "/\($0)" }))
        try await server.stop()
    }

    @Test func `redirects are followed only on request and within the limit`() async throws {
        let server = try await ScriptedHTTPServer { request, reply in
            switch request.uri {
            case "/once": reply.answer(302, [("Location", "/there")], "moved")
            case "/there": reply.answer(200, [], "here")
            default: reply.answer(307, [("Location", "/for-ever")])
            }
        }
        let kept = try await self.curl.response(to: CurlRequest(server.url("/once")), bodyLimit: 100)
        #expect(kept.head.status == 302)
        let followed = try await self.curl.response(to: CurlRequest(server.url("/once"), redirects: 5), bodyLimit: 100)
        #expect(followed.head.status == 200)
        #expect(String(buffer: followed.body) == "here")
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(server.url("/for-ever"), redirects: 5), bodyLimit: 100)
        }
        #expect(error?.code == .request)
        #expect(error?.message == "the answer 307 leads to '/for-ever', but the limit of 5 redirects is reached")
        try await server.stop()
    }

    @Test func `interim responses are skipped`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in
            reply.begin(103, [("Link", "</style.css>")])
            reply.answer(200, [], "final")
        }
        let response = try await self.curl.response(to: CurlRequest(server.url()), bodyLimit: 100)
        #expect(response.head.status == 200)
        #expect(response.head["link"] == nil)
        try await server.stop()
    }

    @Test func `an unreachable peer has its own code`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(200) }
        let url = server.url()
        try await server.stop()
        let refused = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(url), bodyLimit: 0)
        }
        #expect(refused?.code == .refused)
        #expect(
            refused?.message
                == "Failed to connect to 127.0.0.1 port \(server.port); check host and port, and that the server runs")
        let unknown = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest("http://no-such-host.invalid/"), bodyLimit: 0)
        }
        #expect(unknown?.code == .resolve)
        #expect(
            unknown?.message
                == "Could not resolve host: no-such-host.invalid; check the spelling of the host, and the DNS of this machine")
    }

    @Test func `a peer that does not answer runs into the timeout`() async throws {
        let server = try await ScriptedHTTPServer { _, _ in }
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(server.url(), timeout: .milliseconds(50)), bodyLimit: 0)
        }
        #expect(error?.code == .timedOut)
        try await server.stop()
    }

    @Test func `a connection that breaks is lost`() async throws {
        let server = try await ScriptedHTTPServer { request, reply in
            if request.uri == "/half" { reply.begin(200, [("Content-Length", "10")]) }
            reply.cut()
        }
        for path in ["/none", "/half"] {
            let error = await #expect(throws: CurlError.self) {
                try await self.curl.response(to: CurlRequest(server.url(path)), bodyLimit: 100)
            }
            #expect(error?.code == .lost)
        }
        try await server.stop()
    }

    @Test func `other protocols are refused`() async throws {
        for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"] {
            let error = await #expect(throws: CurlError.self) {
                try await self.curl.response(to: CurlRequest(url), bodyLimit: 0)
            }
            #expect(error?.code == .request)
        }
    }

    @Test func `values that libcurl refuses fail only their transfer`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in reply.answer(200) }
        // One more than the 8,000,000 bytes that libcurl takes in one option.
        let long = String(repeating: "x", count: 8_000_001)
        var requests = [String: CurlRequest]()
        requests["the address"] = CurlRequest(server.url("/" + long))
        requests["the user"] = CurlRequest(server.url(), user: long)
        requests["the password holds a NUL"] = CurlRequest(server.url(), user: "u", password: "a\0b")
        requests["the method"] = CurlRequest(server.url(), method: long)
        requests["the path of the socket"] = CurlRequest(server.url(), unixSocket: long)
        requests["the address of the proxy"] = CurlRequest(server.url(), proxy: long)
        requests["ca_file"] = CurlRequest(server.url(), tls: CurlTLS(authorities: long))
        requests["header named \"X-A\""] = CurlRequest(server.url(), headers: [("X-A", "b\r\nX-C: d")])
        requests["header named \"X:\""] = CurlRequest(server.url(), headers: [("X:", "a")])
        for (message, request) in requests {
            let error = await #expect(throws: CurlError.self) { try await self.curl.response(to: request, bodyLimit: 0) }
            #expect(error?.code == .request)
            #expect(error?.message.contains(message) == true)
        }
        #expect(server.requests.isEmpty)
        #expect(try await self.curl.response(to: CurlRequest(server.url()), bodyLimit: 0).head.status == 200)
        try await server.stop()
    }

    @Test func `headers without end are not collected`() async throws {
        let server = try await ScriptedHTTPServer { _, reply in
            reply.answer(200, (0..<400).map { ("X-\($0)", String(repeating: "x", count: 1000)) }, "")
        }
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(server.url()), bodyLimit: 0)
        }
        #expect(error?.code == .lost)
        #expect(error?.message == "the head of the answer is longer than 307200 bytes")
        try await server.stop()
    }

    @Test func `a cancelled task ends its transfer`() async throws {
        let (arrived, continuation) = AsyncStream.makeStream(of: ScriptedHTTPServer.Reply.self)
        let server = try await ScriptedHTTPServer { _, reply in continuation.yield(reply) }
        let task = Task { [curl = self.curl] in
            try await curl.response(to: CurlRequest(server.url()), bodyLimit: 0)
        }
        var iterator = arrived.makeAsyncIterator()
        let reply = try #require(await iterator.next())
        task.cancel()
        let error = await #expect(throws: CurlError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await reply.untilClosed()
        try await server.stop()
    }

    @Test func `a task cancelled before it starts never waits`() async throws {
        let server = try await ScriptedHTTPServer { _, _ in }
        let task = Task { [curl = self.curl] in
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await curl.response(to: CurlRequest(server.url()), bodyLimit: 0)
        }
        let error = await #expect(throws: CurlError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await server.stop()
    }

    @Test func `a unix socket and a proxy are used in place of the host`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("curl.sock")
        let local = try await ScriptedHTTPServer(unixSocket: path) { request, reply in reply.answer(200, [], request.uri) }
        let answer = try await self.curl.response(
            to: CurlRequest("http://docker.invalid/events", unixSocket: path), bodyLimit: 100
        )
        #expect(String(buffer: answer.body) == "/events")
        try await local.stop()
        let proxy = try await ScriptedHTTPServer { request, reply in reply.answer(200, [], request.uri) }
        let passed = try await self.curl.response(
            to: CurlRequest("http://far.invalid/x", proxy: proxy.url("")), bodyLimit: 100
        )
        #expect(String(buffer: passed.body) == "http://far.invalid/x")
        try await proxy.stop()
    }
}
