import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization
import Testing

@testable import WebhookAdapter

/// Refusals that have nothing to do with the event: credentials and moved addresses.
@Suite(.timeLimit(.minutes(1)))
struct WebhookRefusalTests {
    @Test(arguments: [
        (HTTPPeer.Answer(401), "401 Unauthorized; check token, user, password and headers"),
        (HTTPPeer.Answer(403, body: "who are you"), "403 Forbidden: who are you; check token, user, password and headers"),
        (HTTPPeer.Answer(407), "407 Proxy Authentication Required; check user and password in proxy"),
        (
            HTTPPeer.Answer(301, headers: ["location": "https://new.example/hook?key=secret"]),
            "301 Moved Permanently: it points to https://new.example/hook; write that address in url"
        ),
    ])
    func `events wait while the peer refuses every one of them`(_ refusal: HTTPPeer.Answer, _ reason: String) async throws {
        let peer = try await HTTPPeer.start()
        let isMended = Atomic(false)
        peer.answer { _ in isMended.load(ordering: .relaxed) ? .init() : refusal }
        let fixture = try HookFixture(peer.url(), #""format": "raw""#, attempts: 0)
        try await fixture.send((0..<6).map(String.init))
        try await eventually("the sink reports why") {
            fixture.log.errors.contains { $0.contains("\(peer.url("")) answers every event with \(reason)") }
        }
        try await eventually("the sink is not connected") { !fixture.bridge.sinks[0].status.isConnected }
        try await eventually("the third event is retried") { peer.requests.filter { $0.text == "2" }.count > 5 }
        #expect(peer.requests.allSatisfy { ["0", "1", "2"].contains($0.text) })
        #expect(fixture.refused.count == RefusalStreak.patience)
        isMended.store(true, ordering: .relaxed)
        try await fixture.untilDelivered()
        #expect(peer.requests.suffix(4).map(\.text) == ["2", "3", "4", "5"])
        #expect(fixture.bridge.sinks[0].status.isConnected)
        #expect(fixture.refused.count == RefusalStreak.patience)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        (401, #""token": "t""#), (403, #""user": "u", "password": "p""#), (403, #""headers": {"X-Api-Key": "k"}"#),
    ])
    func `events wait for the sink's own credentials although their addresses differ`(
        _ status: Int, _ credentials: String
    ) async throws {
        let peer = try await HTTPPeer.start()
        let isMended = Atomic(false)
        peer.answer { _ in isMended.load(ordering: .relaxed) ? .init() : .init(status) }
        let fixture = try HookFixture(
            peer.url(), ##""url": "\##(peer.url(""))/send/{{ .message }}", "format": "raw", \##(credentials)"##, attempts: 0)
        try await fixture.send((0..<5).map(String.init))
        try await eventually("the third event is retried") { peer.requests.filter { $0.text == "2" }.count > 2 }
        #expect(fixture.refused.count == RefusalStreak.patience)
        isMended.store(true, ordering: .relaxed)
        try await fixture.untilDelivered()
        #expect(peer.requests.suffix(3).map(\.text) == ["2", "3", "4"])
        _ = await fixture.stop()
    }

    @Test func `each waiting event has its own attempts`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(401))
        let fixture = try HookFixture(peer.url(), #""format": "raw""#, attempts: 3)
        try await fixture.send(["0", "1", "2", "3"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["0", "1", "2", "2", "2", "3", "3", "3"])
        #expect(fixture.refused.count == 4)
        _ = await fixture.stop()
    }

    @Test(arguments: [401, 403, 301])
    func `single events that the peer refuses are dead letters at once`(_ status: Int) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { $0.text == "bad" ? .init(status, headers: ["location": "/login"]) : .init() }
        let fixture = try HookFixture(peer.url(), #""format": "raw""#)
        let bodies = ["bad", "a", "bad", "bad", "b", "bad", "c"]
        try await fixture.send(bodies)
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == bodies)
        #expect(fixture.refused.count == 4)
        _ = await fixture.stop()
    }

    @Test(arguments: [
        ##""url": "URL/{{ .message }}", "format": "raw""##,
        ##""headers": {"Authorization": "Bearer {{ .message }}"}, "format": "raw""##,
        ##""format": "raw", "retry": {"on": [503]}"##,
    ])
    func `refusals of an event's own address or credentials, and those in retry.on, concern one event`(
        _ settings: String
    ) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(401))
        let fixture = try HookFixture(peer.url(), settings.replacing("URL", with: peer.url("")))
        try await fixture.send(["0", "1", "2", "3", "4"])
        try await fixture.untilDelivered()
        #expect(peer.requests.map(\.text) == ["0", "1", "2", "3", "4"])
        #expect(fixture.refused.count == 5)
        _ = await fixture.stop()
    }
}
