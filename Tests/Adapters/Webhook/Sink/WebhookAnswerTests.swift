import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Synchronization
import Testing

@testable import WebhookAdapter

/// The status of an answer decides, regardless of its body or its connection.
@Suite(.timeLimit(.minutes(2))) struct WebhookAnswerTests {
    /// Heads after which the body never ends regularly, each with whether the connection is closed.
    private static let unfinished: [(head: String, isClosed: Bool)] = [
        ("Content-Length: 100\r\n\r\nabc", false), ("Content-Length: 100\r\n\r\nabc", true),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false), ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", true),
        ("Connection: close\r\n\r\nabc", false),
        ("Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", true),
    ]

    @Test(arguments: Self.unfinished)
    func `a success with an endless body is delivered once, and the next event follows`(head: String, isClosed: Bool) async throws
    {
        let peer = try await StubbornHTTPServer.start { body in
            .init(body == "odd" ? "HTTP/1.1 200 OK\r\n\(head)" : "HTTP/1.1 204 None\r\n\r\n", closes: isClosed)
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#)
        try await fixture.send(["odd", "a", "b"])
        try await fixture.untilDelivered()
        #expect(peer.bodies == ["odd", "a", "b"])
        #expect(fixture.refused.count == 0)
        #expect(fixture.bridge.sinks[0].status.isConnected)
        _ = await fixture.stop()
    }

    @Test(arguments: Self.unfinished)
    func `a refusal with an endless body is a dead letter at once`(head: String, isClosed: Bool) async throws {
        let peer = try await StubbornHTTPServer.start { body in
            .init(body == "odd" ? "HTTP/1.1 422 No\r\n\(head)" : "HTTP/1.1 204 None\r\n\r\n", closes: isClosed)
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#)
        try await fixture.send(["odd", "a"])
        #expect(try await fixture.deadLetter().contains("the server answered 422 No"))
        try await fixture.untilDelivered()
        #expect(peer.bodies == ["odd", "a"])
        _ = await fixture.stop()
    }

    @Test func `an endless body is dropped together with its connection`() async throws {
        let peer = try await StubbornHTTPServer.start { _ in
            .init("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", repeats: String(repeating: "x", count: 64 << 10))
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#)
        try await fixture.send(["a", "b", "c"])
        try await fixture.untilDelivered()
        #expect(peer.bodies == ["a", "b", "c"])
        try await eventually("every connection is closed") { peer.connections.open == 0 }
        #expect(peer.connections.all == 3)
        // What the kernels hold between the two comes on top of what is read.
        #expect(peer.written < 3 * (WebhookReception.reuseLimit + (16 << 20)))
        _ = await fixture.stop()
    }

    @Test func `a page that ends leaves its connection for the next request`() async throws {
        let page = String(repeating: "x", count: 200_000)
        let peer = try await StubbornHTTPServer.start { _ in
            .init("HTTP/1.1 200 OK\r\nContent-Length: \(page.utf8.count)\r\n\r\n\(page)")
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#)
        try await fixture.send((0..<20).map(String.init))
        try await fixture.untilDelivered()
        #expect(peer.connections.all == 1)
        _ = await fixture.stop()
    }

    // MARK: Lost connections

    @Test(arguments: [1, 4])
    func `an event that repeatedly loses the connection is a dead letter, and the others continue`(inFlight: Int)
        async throws
    {
        let peer = try await StubbornHTTPServer.start { body in
            body.hasPrefix("bad") ? .init("", closes: true) : .init("HTTP/1.1 204 None\r\n\r\n")
        }
        let fixture = try HookFixture(peer.url, #""format": "raw", "in_flight": \#(inFlight)"#, attempts: 0)
        try await fixture.send(["a", "bad 1", "b", "bad 2", "c"])
        try await fixture.untilDelivered()
        #expect(Set(peer.bodies.filter { !$0.isEmpty }) == ["a", "bad 1", "b", "bad 2", "c"])
        for text in ["a", "b", "c"] { #expect(peer.bodies.filter { $0 == text }.count == 1) }
        // libcurl itself sends a request once more when a connection that was used before is closed on it.
        // Beside others in flight, a lost connection is not blamed on the event.
        let most = inFlight == 1 ? 8 : 16
        for text in ["bad 1", "bad 2"] { #expect((4...most).contains(peer.bodies.filter { $0 == text }.count)) }
        #expect(fixture.refused.events.allSatisfy { $0.message.contains("closes the connection on this event") })
        #expect(fixture.refused.count == 2)
        _ = await fixture.stop()
    }

    @Test(arguments: [(3, nil), (0, .milliseconds(1500))] as [(Int, Duration?)])
    func `an event that the peer never answers is a dead letter within its limits, and the others continue`(
        attempts: Int, limit: Duration?
    ) async throws {
        let peer = try await StubbornHTTPServer.start { .init($0.hasPrefix("bad") ? "" : "HTTP/1.1 204 None\r\n\r\n") }
        // Long enough for the other events on a busy machine.
        let fixture = try HookFixture(peer.url, #""format": "raw", "timeout": "500ms""#, attempts: attempts, limit: limit)
        try await fixture.send(["a", "bad", "b"])
        try await fixture.untilDelivered()
        for text in ["a", "b"] { #expect(peer.bodies.filter { $0 == text }.count == 1) }
        let tries = peer.bodies.filter { $0 == "bad" }.count
        // The first time-out does not count: the peer may have just come back.
        if attempts > 0 { #expect(tries == attempts + 1) } else { #expect((2...6).contains(tries)) }
        #expect(fixture.refused.count == 1)
        let reason = "accepted the request but did not answer within 0.5 seconds, though it answers others"
        #expect(fixture.refused.events.first?.message.contains(reason) == true)
        _ = await fixture.stop()
    }

    @Test func `a peer that answers nothing at all costs no event`() async throws {
        let isSilent = Atomic(true)
        let peer = try await StubbornHTTPServer.start { _ in
            .init(isSilent.load(ordering: .relaxed) ? "" : "HTTP/1.1 204 None\r\n\r\n")
        }
        let fixture = try HookFixture(
            peer.url, #""format": "raw", "timeout": "300ms""#, attempts: 1, probeTimeout: .milliseconds(300))
        try await fixture.send(["a", "b"])
        try await eventually("it was retried repeatedly") { peer.bodies.filter { $0 == "a" }.count > 5 }
        #expect(fixture.refused.count == 0)
        isSilent.store(false, ordering: .relaxed)
        try await fixture.untilDelivered()
        #expect(peer.bodies.suffix(2) == ["a", "b"])
        #expect(fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    @Test func `a peer that answers nothing is waited for no longer than the file says`() async throws {
        let peer = try await StubbornHTTPServer.start { _ in .init("") }
        let fixture = try HookFixture(
            peer.url, #""format": "raw", "timeout": "50ms", "retry": {"for": "300ms"}"#, attempts: 0,
            limit: .milliseconds(300), probeTimeout: .milliseconds(50))
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(fixture.refused.count == 1)
        #expect(peer.bodies.filter { $0 == "a" }.count > 1)
        _ = await fixture.stop()
    }

    /// Each event that begins with `bad` stops a server, which is restarted whenever it is probed.
    @Test func `an event that stops its peer each time is a dead letter`() async throws {
        let isStopped = Atomic(false)
        let probes = Atomic(0)
        let peer = try await StubbornHTTPServer.start { body in
            if body.hasPrefix("bad") { isStopped.store(true, ordering: .relaxed) }
            // A probe right after the event finds it stopped, the next one finds it restarted.
            if body.isEmpty, probes.wrappingAdd(1, ordering: .relaxed).newValue % 2 == 0 {
                isStopped.store(false, ordering: .relaxed)
            }
            return .init(isStopped.load(ordering: .relaxed) ? "" : "HTTP/1.1 204 None\r\n\r\n")
        }
        let fixture = try HookFixture(
            peer.url, #""format": "raw", "timeout": "50ms""#, attempts: 2, probeTimeout: .milliseconds(50))
        try await fixture.send(["bad"])
        try await eventually("it is a dead letter") { fixture.refused.count == 1 }
        _ = await fixture.stop()
    }

    @Test func `a proxy whose server is away costs no event`() async throws {
        let isAway = Atomic(true)
        let peer = try await StubbornHTTPServer.start { _ in
            isAway.load(ordering: .relaxed) ? .init("", closes: true) : .init("HTTP/1.1 204 None\r\n\r\n")
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#, attempts: 1)
        try await fixture.send(["a", "b"])
        try await eventually("it was retried repeatedly") { peer.bodies.filter { $0 == "a" }.count > 10 }
        isAway.store(false, ordering: .relaxed)
        try await fixture.untilDelivered()
        #expect(peer.bodies.suffix(2) == ["a", "b"])
        #expect(fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    // MARK: What is retried

    @Test func `only configured statuses are retried`() async throws {
        let peer = try await HTTPPeer.start()
        let isReplaced = Atomic(false)
        peer.answer { request in
            if request.text == "503" { return .init(503) }
            return isReplaced.load(ordering: .relaxed) ? .init() : .init(Int(request.text) ?? 500)
        }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "retry": {"on": [404, "409-410", "3XX"]}"#, attempts: 0)
        try await fixture.send(["503", "404"])
        #expect(try await fixture.deadLetter().contains("the server answered 503 Service Unavailable"))
        try await eventually("404 is retried") { peer.requests.filter { $0.text == "404" }.count > 5 }
        isReplaced.store(true, ordering: .relaxed)
        try await fixture.untilDelivered()
        isReplaced.store(false, ordering: .relaxed)
        for text in ["410", "307"] {
            let count = peer.count
            try await fixture.send([text])
            try await eventually("\(text) is retried") { peer.count > count + 3 }
            isReplaced.store(true, ordering: .relaxed)
            try await fixture.untilDelivered()
            isReplaced.store(false, ordering: .relaxed)
        }
        #expect(fixture.refused.count == 1)
        _ = await fixture.stop()
    }

    @Test func `an empty list retries nothing`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(503))
        let fixture = try HookFixture(peer.url(), #""retry": {"on": []}"#)
        try await fixture.send(["a", "b"])
        try await fixture.untilDelivered()
        #expect(peer.count == 2)
        _ = await fixture.stop()
    }

    @Test func `after its time an event is a dead letter`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "bad" ? .init(500) : .init() }
        let fixture = try HookFixture(peer.url(), #""format": "raw""#, attempts: 0, limit: .milliseconds(300))
        try await fixture.send(["bad", "good"])
        try await fixture.untilDelivered()
        let times = peer.requests.filter { $0.text == "bad" }.map(\.time)
        #expect(times.count > 2)
        // The next event goes on once this one is given up.
        let first = try #require(times.first), next = try #require(peer.requests.last)
        #expect(next.time - first >= .milliseconds(300))
        #expect(fixture.refused.count == 1)
        #expect(next.text == "good")
        _ = await fixture.stop()
    }

    @Test func `a connection that is too old is not reused`() async throws {
        let peer = try await StubbornHTTPServer.start { _ in .init("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
        let fixture = try HookFixture(peer.url, #""format": "raw", "max_connection_age": "1s""#)
        let start = ContinuousClock.now
        var sent = 0
        try await eventually("there is another connection") {
            try await fixture.send([String(sent)])
            sent += 1
            try await fixture.untilDelivered()
            return peer.connections.all > 1
        }
        #expect(ContinuousClock.now - start >= .seconds(1))
        #expect(peer.bodies == (0..<sent).map(String.init))
        #expect(peer.connections.all == 2)
        _ = await fixture.stop()
    }

    // MARK: Bodies and headers

    @Test(arguments: [
        "plain", #"say "hi""#, "line\nbreak\r\n\ttab \u{1}", #"\ back"#, "\u{2028}\u{1F600}", #"","evil":"1"#, #""}{"evil":1}"#,
    ])
    func `a structured body is valid JSON for every event`(text: String) async throws {
        let peer = try await HTTPPeer.start()
        let json = """
            "json": {"text": "{{ .message }}", "both": "<{{ .message }}>", "level": "{{ .priority }}", "tags": "{{ .tags }}", \
            "none": "{{ .payload.none }}", "list": ["{{ .payload.none }}", "{{ .payload.n }}", null, true, 1.5, "x"], \
            "deep": {"payload": "{{ .payload }}", "none": {"a": "{{ $attributes.none }}"}}, "all": "{{ . }}"}
            """
        let fixture = try HookFixture(peer.url(), json)
        let message = try JSONEncoder().encode(Body.Payload(n: 12, message: text))
        try await fixture.send([String(decoding: message, as: UTF8.self)])
        try await fixture.untilDelivered()
        let request = try #require(peer.requests.first)
        #expect(request.headers["content-type"] == "application/json")
        let body = try JSONDecoder().decode(Body.self, from: Data(request.text.utf8))
        #expect(body.text == text && body.both == "<\(text)>")
        #expect(body.level == 3 && body.tags == [] && body.none == nil)
        #expect(request.text.contains(#""list":[12,null,true,1.5,"x"]"#))
        #expect(body.deep.payload.n == 12 && body.deep.none == [:] && body.all.message == text)
        #expect(!request.text.contains("\n"))
        _ = await fixture.stop()
    }

    @Test func `a header without a value is left out, and one that fails is left out and reported`() async throws {
        let peer = try await HTTPPeer.start()
        let settings = """
            "headers": {"X-None": "{{ .payload.none }}", "X-Some": "<{{ .payload.none }}>", "X-Fails": "a {{ fail }}", \
            "X-Priority": "{{ .priority }}"}
            """
        let fixture = try HookFixture(peer.url(), settings, compiler: FailingCompiler())
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        let headers = try #require(peer.requests.first).headers
        #expect(headers["x-none"] == nil && headers["x-fails"] == nil)
        #expect(headers["x-some"] == "<>" && headers["x-priority"] == "3")
        #expect(fixture.refused.count == 0)
        #expect(fixture.metrics.render().contains(#"streambridge_webhook_headers_failed_total{component="out""#))
        _ = await fixture.stop()
    }

    private struct Body: Decodable {
        struct Payload: Codable {
            let n: Int
            let message: String
        }

        struct Deep: Decodable {
            let payload: Payload
            let none: [String: String]
        }

        struct All: Decodable {
            let message: String
        }

        let text: String
        let both: String
        let level: Int
        let tags: [String]
        let none: String?
        let deep: Deep
        let all: All
    }
}

/// What is logged when a receiver accepts events again.
@Suite(.timeLimit(.minutes(1))) struct WebhookRecoveryTests {
    @Test func `a receiver's recovery from an outage is logged in one line`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(503))
        let fixture = try HookFixture(peer.url(), attempts: 0)
        try await fixture.send(["a"])
        try await eventually("it was retried") { peer.requests.count >= 4 }
        #expect(fixture.log.lines("Connected").isEmpty, "an answer alone is no recovery")
        peer.answer(with: .init(204))
        try await fixture.untilDelivered()
        try await fixture.send(["b"])
        try await fixture.untilDelivered()
        let lines = fixture.log.lines("Connected")
        #expect(lines.count == 1)
        #expect(lines.first?.level == "notice")
        #expect(lines.first?.metadata["peer"].map { peer.url().hasPrefix($0) } == true)
        _ = await fixture.stop()
    }

    @Test func `the first success logs nothing`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url())
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(!fixture.log.lines.contains { $0.message == "Connected" })
        _ = await fixture.stop()
    }
}
