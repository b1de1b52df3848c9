import BridgeCore
import BridgeTesting
import Curl
import NIOCore
import Synchronization
import Testing

@testable import WebhookAdapter

/// `success: .ok` and `retry.after`: what the body of an answer says.
@Suite(.timeLimit(.minutes(2))) struct WebhookAnswerReadingTests {
    @Test(arguments: [#"{"ok":true}"#, #"{"ok":1,"result":{}}"#, #"{"ok":"yes"}"#])
    func `an answer that says so confirms the event`(body: String) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { _ in .init(body: body) }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "success": ".ok""#)
        try await fixture.send(["a", "b"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["a", "b"] && fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        #"{"ok":false,"description":"chat not found"}"#, #"{"ok":0}"#, #"{"ok":null}"#, #"{"other":true}"#, "[]",
    ])
    func `an answer that says otherwise makes a dead letter at once`(body: String) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "bad" ? .init(body: body) : .init(body: #"{"ok":true}"#) }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "success": ".ok""#)
        try await fixture.send(["bad", "good"])
        #expect(try await fixture.deadLetter().contains("the server answered 200 OK: "))
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["bad", "good"])
        _ = await fixture.stop()
    }

    @Test(arguments: [
        "<html>Log in</html>", "", #"{"ok":tr"#, "{\"ok\":true,\"x\":\"\(String(repeating: "x", count: 70_000))\"}",
    ])
    func `an answer that cannot be read is retried`(body: String) async throws {
        let peer = try await HTTPPeer.start()
        let first = Atomic(true)
        peer.answer { _ in first.exchange(false, ordering: .relaxed) ? .init(body: body) : .init(body: #"{"ok":true}"#) }
        let fixture = try HookFixture(peer.url(), #""format": "raw", "success": ".ok""#)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["a", "a"] && fixture.refused.count == 0)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        (429, #"{"ok":false,"parameters":{"retry_after":1}}"#), (200, #"{"ok":false,"parameters":{"retry_after":"1"}}"#),
        (503, #"{"parameters":{"retry_after":1.0}}"#),
    ])
    func `the wait in an answer is the minimum`(status: Int, body: String) async throws {
        let peer = try await HTTPPeer.start()
        let first = Atomic(true)
        peer.answer { _ in
            first.exchange(false, ordering: .relaxed) ? .init(status, body: body) : .init(body: #"{"ok":true}"#)
        }
        let fixture = try HookFixture(
            peer.url(), #""format": "raw", "success": ".ok", "retry": {"after": ".parameters.retry_after"}"#)
        try await fixture.send(["a"])
        try await fixture.untilDelivered()
        try #require(peer.requests.count == 2)
        #expect(peer.requests[0].time.duration(to: peer.requests[1].time) >= .seconds(1))
        _ = await fixture.stop()
    }

    @Test(arguments: [
        (#"{"after":0.5}"#, Duration.milliseconds(500)), (#"{"after":1e300}"#, .seconds(86_400)), (#"{"after":-1}"#, nil),
        (#"{"after":"soon"}"#, nil), (#"{"after":"inf"}"#, nil), (#"{"after":"nan"}"#, nil), (#"{"after":[1]}"#, nil),
        ("{}", nil), ("", nil),
    ])
    func `a wait is bounded`(body: String, wait: Duration?) {
        let answer = WebhookAnswer(
            head: CurlHead(status: 429, reason: "", headers: []), body: ByteBuffer(string: body), isCut: false)
        let reading = WebhookAnswerReading(wait: EventPath(payload: "after"))
        #expect(answer.verdict(reading).wait == wait)
    }
}
