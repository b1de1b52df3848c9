import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization
import Testing

@testable import WebhookAdapter

@Suite(.timeLimit(.minutes(2))) struct WebhookSinkTests {
    @Test func `an event is one POST of its JSON`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url("/hook?a=b"), #""token": "secret""#)
        try await fixture.send([#"{"title":"t","message":"m","id":"id-1"}"#])
        try await fixture.untilDelivered()
        let request = try #require(peer.requests.first)
        #expect(request.method == "POST")
        #expect(request.uri == "/hook?a=b")
        #expect(request.text.hasPrefix(#"{"id":"id-1","title":"t","message":"m""#))
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["user-agent"] == "streambridge")
        #expect(request.headers["authorization"] == "Bearer secret")
        #expect(request.headers["idempotency-key"] == "id-1")
        #expect(request.headers["streambridge-origin"] == "home")
        #expect(request.headers["streambridge-hops"] == "1")
        #expect(await fixture.stop() == 0)
    }

    @Test func `raw bodies are sent unchanged, with their type`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url(), #""format": "raw", "method": "PUT""#)
        try await fixture.send(["<a/>"], attributes: [("content-type", "application/xml"), ("traceparent", "00-1-2-01")])
        try await fixture.send(["x\u{0}y"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["<a/>", "x\u{0}y"])
        #expect(peer.requests.map { $0.headers["content-type"] } == ["application/xml", "application/octet-stream"])
        #expect(peer.requests[0].headers["traceparent"] == "00-1-2-01")
        #expect(peer.requests[0].method == "PUT")
        _ = await fixture.stop()
    }

    @Test func `address, headers and body are rendered from the event`() async throws {
        let peer = try await HTTPPeer.start()
        let settings = """
            "url": "\(peer.url("/a/{{ $subject }}/x?m={{ .message }}"))", "headers": {"X-M": "<{{ .message }}>", "X-One": "1"}, \
            "body": "{{ .message }} at {{ $subject }}"
            """
        let fixture = try HookFixture("", settings)
        try await fixture.send(["a b/\u{e9}?&#\r\nX-Evil: 1"], subject: "one/two")
        try await fixture.untilDelivered()
        let request = try #require(peer.requests.first)
        #expect(request.uri == "/a/one%2Ftwo/x?m=a%20b%2F%C3%A9%3F%26%23%0D%0AX-Evil%3A%201")
        #expect(request.headers["x-m"] == "<a b/\u{e9}?&#X-Evil: 1>")
        #expect(request.headers["x-evil"] == nil)
        #expect(request.headers["x-one"] == "1")
        #expect(request.headers["content-type"] == "text/plain; charset=utf-8")
        #expect(request.text == "a b/\u{e9}?&#\r\nX-Evil: 1 at one/two")
        _ = await fixture.stop()
    }

    @Test func `settings of a route apply to its events`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url(), "", #""method": "PATCH", "body": "{}""#)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.method) == ["PATCH"])
        #expect(peer.requests[0].text == "{}")
        #expect(peer.requests[0].headers["content-type"] == "application/json")
        _ = await fixture.stop()
    }

    @Test func `GET sends no body`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url("/ping"), #""method": "GET", "user": "u", "password": "p""#)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        let request = try #require(peer.requests.first)
        #expect(request.method == "GET")
        #expect(request.body.readableBytes == 0)
        #expect(request.headers["content-type"] == nil)
        #expect(request.headers["authorization"] == "Basic dTpw")
        _ = await fixture.stop()
    }

    @Test func `the body is signed as it is sent`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url(), #""format": "raw", "signature": {"secret": "Jefe"}"#)
        try await fixture.send(["what do ya want for nothing?"])
        try await fixture.untilDelivered()
        #expect(
            peer.requests[0].headers["x-hub-signature-256"]
                == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
        _ = await fixture.stop()
    }

    @Test func `events arrive in order, one after the other`() async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture(peer.url(), #""format": "raw""#)
        try await fixture.send((0..<200).map(String.init))
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == (0..<200).map(String.init))
        _ = await fixture.stop()
    }

    @Test func `with in_flight 8 at most eight are in flight and all arrive`() async throws {
        let peer = try await HTTPPeer.start()
        let most = Atomic(0)
        let fixture = try HookFixture(peer.url(), #""format": "raw", "in_flight": 8"#)
        // Each is answered only after a moment, so the ninth would show as a ninth connection.
        peer.answer { _ in .init(200, delay: .milliseconds(20)) }
        try await fixture.send((0..<80).map(String.init))
        try await fixture.untilDelivered()
        let requests = peer.requests.map(\.time)
        for (index, time) in requests.enumerated() {
            let overlapping = requests[index...].prefix { $0 < time + .milliseconds(20) }.count
            most.store(max(most.load(ordering: .relaxed), overlapping), ordering: .relaxed)
        }
        #expect(Set(peer.requests.map(\.text)) == Set((0..<80).map(String.init)))
        #expect(most.load(ordering: .relaxed) <= 8)
        #expect(most.load(ordering: .relaxed) > 1)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        (HTTPPeer.Answer(404, body: "no\u{1} such\r\nhook"), "the server answered 404 Not Found: no such hook"),
        (HTTPPeer.Answer(400), "the server answered 400 Bad Request"),
        (
            HTTPPeer.Answer(308, headers: ["location": "http://b/?k=secret"]),
            "the server answered 308 Permanent Redirect: it points to http://b/"
        ),
        (
            HTTPPeer.Answer(422, body: String(repeating: "x", count: 5000)),
            "the server answered 422 Unprocessable Entity: \(String(repeating: "x", count: 200))"
        ),
    ])
    func `a refused event is a dead letter, and the next follows`(_ answer: HTTPPeer.Answer, _ reason: String) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "bad" ? answer : .init() }
        let fixture = try HookFixture(peer.url(), #""format": "raw""#)
        try await fixture.send(["bad", "good"])
        #expect(try await fixture.deadLetter().contains(reason))
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["bad", "good"])
        _ = await fixture.stop()
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504])
    func `a temporary refusal is retried in order`(_ status: Int) async throws {
        let peer = try await HTTPPeer.start()
        let refusals = Atomic(2)
        peer.answer { request in
            guard request.text == "1", refusals.wrappingSubtract(1, ordering: .relaxed).oldValue > 0 else { return .init() }
            return .init(status)
        }
        let fixture = try HookFixture(peer.url(), #""format": "raw""#)
        try await fixture.send(["0", "1", "2"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["0", "1", "1", "1", "2"])
        #expect(Set(peer.requests.map { $0.headers["idempotency-key"] }).count == 3)
        _ = await fixture.stop()
    }

    @Test func `after its attempts an event is a dead letter`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "bad" ? .init(500, body: "oops") : .init() }
        let fixture = try HookFixture(peer.url("/hook"), #""format": "raw""#, attempts: 3)
        try await fixture.send(["bad", "good"])
        #expect(try await fixture.deadLetter().contains("\(peer.url("")) answered 500 Internal Server Error: oops"))
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["bad", "bad", "bad", "good"])
        _ = await fixture.stop()
    }

    @Test func `with several in flight each event has its own attempts`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text.hasPrefix("bad") ? .init(503) : .init() }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "in_flight": 4"#, attempts: 3)
        let texts = (0..<40).map { $0 % 10 == 0 ? "bad \($0)" : "good \($0)" }
        try await fixture.send(texts)
        try await fixture.untilDelivered()
        try await eventually("each is a letter") { fixture.refused.count == 4 }
        var requests: [String: Int] = [:]
        for request in peer.requests { requests[request.text, default: 0] += 1 }
        #expect(Set(requests.keys) == Set(texts))
        #expect(requests.filter { $0.key.hasPrefix("bad") }.values.allSatisfy { $0 == 3 })
        #expect(requests.filter { $0.key.hasPrefix("good") }.values.allSatisfy { $0 == 1 })
        _ = await fixture.stop()
    }

    @Test func `Retry-After is the minimum wait`() async throws {
        let peer = try await HTTPPeer.start()
        let first = Atomic(true)
        peer.answer { _ in
            first.exchange(false, ordering: .relaxed) ? .init(503, headers: ["retry-after": "1"]) : .init()
        }
        let fixture = try HookFixture(peer.url())
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(peer.requests.count == 2)
        #expect(peer.requests[0].time.duration(to: peer.requests[1].time) >= .seconds(1))
        _ = await fixture.stop()
    }

    @Test func `an unreachable peer loses nothing and costs no attempts`() async throws {
        let peer = try await HTTPPeer.start()
        try await peer.stop()
        let fixture = try HookFixture(peer.url(), #""format": "raw""#, attempts: 1)
        try await fixture.send(["a", "b"])
        try await eventually { fixture.log.errors.contains { $0.contains("Failed to connect") } }
        try await peer.listen()
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["a", "b"])
        #expect(fixture.bridge.sinks[0].status.isConnected)
        #expect(fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    @Test func `a time-out and a lost connection are retried`() async throws {
        let peer = try await HTTPPeer.start()
        let calls = Atomic(0)
        peer.answer { _ in
            switch calls.wrappingAdd(1, ordering: .relaxed).oldValue {
            case 0: .init(200, delay: .seconds(30))
            case 1: .init(isCut: true)
            default: .init()
            }
        }
        let fixture = try HookFixture(peer.url(), #""timeout": "200ms""#)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(peer.requests.count >= 3)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        ("NOT HTTP AT ALL\r\n\r\n", "Received HTTP/0.9 when not allowed"),
        ("HTTP/1.1 000 None\r\n\r\n", "Unsupported response code in HTTP response"),
        ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 200_000))\r\n\r\n", "A header of the answer is too long"),
        ("HTTP/1.1 200 \(String(repeating: "x", count: 200_000))\r\n\r\n", "The status line of the answer is too long"),
        ("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "Header without colon"),
    ])
    func `an unusable answer is an attempt, and the next event follows`(_ answer: String, _ why: String) async throws {
        let peer = try await StubbornHTTPServer.start { .init($0 == "bad" ? answer : "HTTP/1.1 204 None\r\n\r\n", closes: true) }
        let fixture = try HookFixture(peer.url, #""format": "raw""#, attempts: 3)
        try await fixture.send(["bad", "good"])
        let letter = try await fixture.deadLetter()
        #expect(letter.contains("127.0.0.1:\(peer.port) sent an answer that cannot be used: \(why)"), "\(letter)")
        try await fixture.untilDelivered()
        #expect(peer.bodies.count == 4)
        #expect(fixture.refused.count == 1)
        _ = await fixture.stop()
    }

    @Test(arguments: ["", "HTTP/1.1 103 Early Hints\r\n\r\n"])
    func `a connection that ends before an answer costs no attempt`(_ answer: String) async throws {
        let left = Atomic(4)
        let peer = try await StubbornHTTPServer.start { _ in
            .init(left.wrappingSubtract(1, ordering: .relaxed).oldValue > 0 ? answer : "HTTP/1.1 204 None\r\n\r\n", closes: true)
        }
        let fixture = try HookFixture(peer.url, #""format": "raw""#, attempts: 2)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(peer.bodies.count == 5)
        #expect(fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    @Test func `the list of successes is what counts`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "a" ? .init(404) : .init(200) }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "success": [404, "201-204"]"#)
        try await fixture.send(["a", "b"])
        #expect(try await fixture.deadLetter().contains("the server answered 200 OK"))
        try await fixture.untilDelivered()
        #expect(fixture.refused.count == 1)
        _ = await fixture.stop()
    }

    @Test(arguments: ["..", "."]) func `an event cannot leave the path`(_ subject: String) async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture("", #""url": "\#(peer.url("/a/{{ $subject }}/b"))""#)
        try await fixture.send(["x"], subject: subject)
        #expect(try await fixture.deadLetter().contains("would leave its path"))
        #expect(peer.requests.isEmpty)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        ("the address of this event is ", "65536 are allowed", #""url": "URL/{{ .payload.x }}""#),
        ("the headers of this event come to ", "262144 are allowed", #""url": "URL/", "headers": {"X-A": "{{ .payload.x }}"}"#),
        (
            "the headers of this event come to ", "262144 are allowed",
            #""url": "URL/", "method": "GET", "headers": {"X": "{{ .payload.x }}"}"#
        ),
    ])
    func `an event that makes the request too long is a dead letter, and the next follows`(
        _ beginning: String, _ end: String, _ settings: String
    ) async throws {
        let peer = try await HTTPPeer.start()
        let fixture = try HookFixture("", settings.replacing("URL", with: peer.url("/a")))
        try await fixture.send([#"{"x": "\#(String(repeating: "x", count: 300_000))"}"#, #"{"x": "y"}"#])
        let letter = try await fixture.deadLetter()
        #expect(letter.contains(beginning))
        #expect(letter.contains(end))
        try await fixture.untilDelivered()
        #expect(peer.requests.count == 1)
        _ = await fixture.stop()
    }
}
