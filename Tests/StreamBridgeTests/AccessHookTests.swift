import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization
import Testing

/// `http.access.hook`: what is asked, what an answer grants, and how many calls there are.
@Suite(.timeLimit(.minutes(2)))
struct AccessHookTests {
    private static let yaml = """
        sources:
          in: { type: webhook, ids: [door, window] }
        sinks:
          news: { type: sse, stream: news }
          users: { type: sse, stream: 'users/{{ $subject }}' }
        routes:
          - { from: [in], to: [news, users] }
        """

    private static func bridge(_ hook: HTTPPeer, host: String = "127.0.0.1", _ settings: String = "") async throws
        -> BridgeProcess
    {
        try await BridgeProcess.start(Self.yaml, host: host, http: "access: { hook: { url: '\(hook.url("/ask"))'\(settings) } }")
    }

    private static func get(
        _ bridge: BridgeProcess, _ target: String = "/api/stream/news?format=json", _ fields: String = "",
        from address: String? = nil
    ) async throws -> Int {
        let connection = try RawConnection(port: bridge.port, from: address)
        try await connection.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(fields)\r\n")
        let head = try await connection.receive(through: "\r\n")
        return Int(head.split(separator: " ")[1]) ?? 0
    }

    @Test(arguments: [
        ("not JSON", "granted"), ("a cut object", #"{"subscribe":["news"]"#),
        ("a byte order mark", "\u{FEFF}{\"subscribe\":[\"#\"]}"),
        ("two documents", ##"{"subscribe":["#"]}{}"##), ("a list", ##"["#"]"##), ("a string", #""all""#), ("null", "null"),
        ("a line end", "\n"), ("a name in place of a list", ##"{"subscribe":"#"}"##),
        ("a number in a list", ##"{"subscribe":["#",1]}"##),
        ("an object in place of a list", #"{"subscribe":{"all":true}}"#),
        ("a filter that cannot be", ##"{"subscribe":["#/a"]}"##),
        ("a member twice", ##"{"subscribe":["none"],"subscribe":["#"]}"##),
        ("a name that is none", ##"{"subscribe":["#"],"name":1}"##),
        ("an end that is none", ##"{"subscribe":["#"],"expires":"never"}"##),
        ("an end that is null", ##"{"subscribe":["#"],"publish":["#"],"expires":null}"##),
        ("a control character", "{\"subscribe\":[\"\u{0}\"]}"),
        ("objects too deep", String(repeating: "[", count: 40) + String(repeating: "]", count: 40)),
    ])
    func `an unusable answer grants nothing, and the log says why`(_ name: String, body: String) async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(200, body: body))
        let bridge = try await Self.bridge(hook)
        #expect(try await Self.get(bridge) == 503, "\(name)")
        let answer = try await bridge.post("/n/door", ByteBuffer(string: "x"))
        #expect(answer.status == 503)
        #expect(answer.header("retry-after") == "5")
        #expect(bridge.process.standardError.contains("Access hook returned an unusable answer"))
    }

    @Test func `an answer that is too large, or ends too early, grants nothing`() async throws {
        let hook = try await HTTPPeer.start()
        let bridge = try await Self.bridge(hook, ", cache: 0s")
        for padding in [65_536, 10_000_000] {
            hook.answer(with: HTTPPeer.Answer(200, body: ##"{"subscribe":["#"]}"## + String(repeating: " ", count: padding)))
            #expect(try await Self.get(bridge) == 503)
        }
        #expect(bridge.process.standardError.contains("the body is larger than 65536 bytes"))
        for body in ["", ##"{"subscribe":["#"]}"##] {
            hook.answer(with: HTTPPeer.Answer(200, body: body, missing: 10))
            #expect(try await Self.get(bridge) == 503)
        }
        #expect(bridge.process.standardError.contains("Access hook did not respond"))
        hook.answer(with: HTTPPeer.Answer(302, headers: ["Location": hook.url("/other")]))
        #expect(try await Self.get(bridge) == 503)
    }

    @Test(arguments: [
        (204, "", 200, 201), (200, "", 200, 201), (200, "{}", 403, 403),
        (200, #"{"subscribe":null,"publish":["door"]}"#, 403, 201),
        (201, ##"{"subscribe":["#"],"name":null,"more":[{}]}"##, 200, 403), (401, "", 401, 401),
        (403, "", 403, 403),
    ])
    func `only an answer without a body grants everything`(status: Int, body: String, reads: Int, writes: Int) async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(status, body: body))
        let bridge = try await Self.bridge(hook)
        #expect(try await Self.get(bridge) == reads)
        #expect(try await bridge.post("/n/door", ByteBuffer(string: "x")).status == writes)
    }

    @Test(arguments: [
        ("closed before a body", "HTTP/1.1 200 OK\r\n\r\n"),
        ("with a type, closed before a body", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"),
        ("of HTTP/1.0, closed before a body", "HTTP/1.0 200 OK\r\n\r\n"),
        ("of HTTP/1.0 with chunks", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("201, closed before a body", "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n"),
        ("with another coding, closed before a body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
        ("without its chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("in the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
        ("a body that cannot be", "HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n"),
        ("in the head", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"), ("in the status line", "HTTP/1.1 204"),
    ])
    func `an answer that may have lost its body grants nothing`(_ name: String, raw: String) async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(raw: raw))
        let bridge = try await Self.bridge(hook)
        #expect(try await Self.get(bridge) == 503, "\(name)")
        #expect(try await bridge.post("/n/door", ByteBuffer(string: "x")).status == 503)
        let log = bridge.process.standardError
        let line =
            log.contains("Access hook returned an unusable answer") || log.contains("Access hook did not respond")
        #expect(line, "\(log)")
        #expect(!raw.hasSuffix("OK\r\n\r\n") || log.contains("answer 204, or with Content-Length: 0, to grant everything"))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    ])
    func `an answer with an explicitly empty body grants everything`(raw: String) async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(raw: raw))
        let bridge = try await Self.bridge(hook)
        #expect(try await Self.get(bridge) == 200)
    }

    @Test(arguments: [
        ##"{"subscribe":["#"],"publish":["#"],"expires":1}"##, ##"{"subscribe":["#"],"publish":["#"],"expires":-1e300}"##,
        ##"{"subscribe":["#"],"publish":["#"],"expires":0.0}"##,
    ])
    func `an expired grant is a refusal`(body: String) async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(200, body: body))
        let bridge = try await Self.bridge(hook)
        #expect(try await Self.get(bridge) == 403)
        #expect(try await Self.get(bridge, "/api/stream/news") == 403)
        #expect(try await bridge.post("/n/door", ByteBuffer(string: "x")).status == 403)
        #expect(bridge.process.standardError.contains("Access hook granted access until a time in the past; refused"))
    }

    @Test func `a grant that expired in the cache is requested again`() async throws {
        let hook = try await HTTPPeer.start()
        // Soon after the first answer, and the same for the second.
        let end = Mutex<Double?>(nil)
        hook.answer { _ in
            let end = end.withLock { end in
                let soon = end ?? Double(Timestamp.now().milliseconds) / 1000 + 2
                end = soon
                return soon
            }
            return HTTPPeer.Answer(200, body: ##"{"subscribe":["#"],"expires":\##(end)}"##)
        }
        let bridge = try await Self.bridge(hook, ", cache: 1h")
        #expect(try await Self.get(bridge) == 200)
        try await eventually("it ends") { try await Self.get(bridge) == 403 }
        #expect(hook.count >= 2)
    }

    @Test func `an answer holds only for a request that is equal in everything that the hook receives`() async throws {
        let hook = try await HTTPPeer.start()
        let bridge = try await Self.bridge(hook, host: "0.0.0.0", ", cache: 1h")
        let target = "/api/stream/news?format=json"
        let requests: [(target: String, fields: String, from: String)] = [
            (target, "", "127.0.0.2"), (target, "", "127.0.0.3"), (target, "User-Agent: a\r\n", "127.0.0.2"),
            (target, "User-Agent: b\r\n", "127.0.0.2"), (target, "Origin: a\r\n", "127.0.0.2"),
            (target, "Cookie: a\r\n", "127.0.0.2"),
            (target, "Authorization: a\r\n", "127.0.0.2"), (target, "Cookie: a\r\nCookie: b\r\n", "127.0.0.2"),
            (target, "Cookie: b\r\nCookie: a\r\n", "127.0.0.2"), (target, "Cookie: aOrigin\r\nOrigin: b\r\n", "127.0.0.2"),
            (target, "Cookie: a\r\nOrigin: Originb\r\n", "127.0.0.2"), (target + "&a", "", "127.0.0.2"),
            (target, "Cookie: \u{E9}\r\n", "127.0.0.2"), (target, "Cookie: e\u{301}\r\n", "127.0.0.2"),
        ]
        for (index, request) in requests.enumerated() {
            #expect(try await Self.get(bridge, request.target, request.fields, from: request.from) == 200)
            #expect(hook.count == index + 1, "\(request)")
        }
        for request in requests {
            #expect(try await Self.get(bridge, request.target, request.fields, from: request.from) == 200)
        }
        #expect(hook.count == requests.count, "each is asked once")
        // What lets one address in says nothing about another.
        hook.answer { HTTPPeer.Answer($0.headers["X-Forwarded-For"] == "127.0.0.4" ? 204 : 403) }
        #expect(try await Self.get(bridge, from: "127.0.0.4") == 200)
        #expect(try await Self.get(bridge, from: "127.0.0.5") == 403)
    }

    @Test func `the hook receives every name that a request asks for, including those in a body`() async throws {
        let hook = try await HTTPPeer.start()
        hook.answer { HTTPPeer.Answer($0.headers["X-Original-Names"] == "news" ? 204 : 403) }
        let bridge = try await Self.bridge(hook)
        func ask(_ method: String, _ path: String, _ type: String, _ body: String) async throws -> Int {
            try await HTTPRequestPeer.send(
                method, path, port: bridge.port, headers: [("Content-Type", type)], body: ByteBuffer(string: body)
            ).status
        }
        for method in ["POST", "QUERY"] {
            let json = "application/json"
            let form = "application/x-www-form-urlencoded"
            #expect(try await ask(method, "/api/stream/news?format=json", json, "{}") == 200)
            #expect(try await ask(method, "/api/stream/news?format=json", json, #"{"streams":["users/\u00e4"]}"#) == 403)
            #expect(try await ask(method, "/api/stream/news?format=json", form, "streams=users%2F%2B") == 403)
        }
        #expect(Set(hook.requests.map { $0.headers["X-Original-Names"] }) == ["news", "users/%C3%A4,news", "users/+,news"])
        try await bridge.post("/n/door", ByteBuffer(string: "x"))
        #expect(hook.requests.last?.headers["X-Original-Names"] == "door")
    }

    @Test func `calls are bounded and shared, and excess ones are refused at once`() async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(204, delay: .seconds(5)))
        let bridge = try await Self.bridge(hook, ", max_calls: 3, timeout: 20s")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask { try await Self.get(bridge, "/api/stream/news?format=json", "Cookie: \(number % 8)\r\n") }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 200 } == 15, "five requests share each of three calls")
        #expect(statuses.count { $0 == 503 } == 25)
        #expect(hook.count == 3)
        #expect(bridge.process.standardError.contains("Access hook calls are at their limit"))
        // The calls have ended: others may be made.
        hook.answer(with: HTTPPeer.Answer(204))
        #expect(try await Self.get(bridge, "/api/stream/news?format=json", "Cookie: 9\r\n") == 200)
    }

    @Test func `a failed call fails for every request that shares it, and is not cached`() async throws {
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(500, delay: .seconds(2)))
        let bridge = try await Self.bridge(hook, ", timeout: 20s")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 { group.addTask { try await Self.get(bridge) } }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == [503, 503, 503, 503, 503])
        #expect(hook.count == 1)
        hook.answer(with: HTTPPeer.Answer(204))
        #expect(try await Self.get(bridge) == 200)
    }

    @Test func `a target that a header cannot carry is sent percent-encoded`() async throws {
        let hook = try await HTTPPeer.start()
        let bridge = try await Self.bridge(hook)
        // HTTP/2 carries in a target what HTTP/1.1 refuses.
        let curl = try ChildProcess(
            "curl", ["-sS", "--http2-prior-knowledge", "http://127.0.0.1:\(bridge.port)/api/stream/news?format=json&ref=\u{E9}"])
        #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError)")
        #expect(hook.requests.first?.headers["X-Original-URI"] == "/api/stream/news?format=json&ref=%C3%A9")
    }

    @Test(arguments: [
        ("max_calls: 0", "http.access.hook.max_calls"), ("max_calls: 10001", "http.access.hook.max_calls"),
        ("max_calls: many", "http.access.hook.max_calls"),
    ])
    func `an impossible bound is refused`(setting: String, place: String) async throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            "http: { access: { hook: { url: 'http://x', \(setting) } } }\n" + Self.yaml, to: "bridges.yaml")
        let result = try await BridgeProcess.command("check", directory.file("bridges.yaml"))
        #expect(result.code == 78)
        #expect(result.error.contains(place), "\(result.error)")
    }
}
