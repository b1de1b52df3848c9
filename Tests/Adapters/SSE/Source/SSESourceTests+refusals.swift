import BridgeCore
import BridgeTesting
import Curl
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

/// Answers that are no stream, redirects, and what a server may be asked.
extension SSESourceTests {
    @Test(
        arguments: [
            (302, ["location": "", "content-type": "text/html"], "302 Found without a Location to follow"),
            (302, ["content-type": "text/event-stream"], "302 Found without a Location to follow"),
            (304, ["location": "/x", "content-type": "text/event-stream"], "304 Not Modified"),
            (201, ["content-type": "text/event-stream"], "201 Created"),
            (206, ["content-type": "text/event-stream"], "206 Partial Content"),
            (404, ["content-type": "text/event-stream"], "404 Not Found"),
            (500, ["content-type": "text/event-stream"], "500 Internal Server Error"),
            (200, ["content-type": "text/html"], "200 OK with content of type text/html"),
        ] as [(Int, HTTPFields, String)])
    func `the body of an answer that is not a stream yields neither events nor an id`(
        _ status: Int, _ headers: HTTPFields, _ reason: String
    ) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(status, headers: headers, body: "id: 9\ndata: x\n\n"))
        let fixture = try StreamFixture(peer.url())
        #expect(try await fixture.failure().hasPrefix("\(peer.url()) answered \(reason)"))
        peer.answer { request in
            let id = request.headers["last-event-id"] ?? "none"
            return .init(200, headers: ["content-type": "text/event-stream"], body: "data: \(id)\n\n")
        }
        #expect(try await fixture.bodies(1)[0] == "none")
        await fixture.stop()
    }

    @Test func `a redirect is followed with the id, and without credentials to another host`() async throws {
        let other = try await SSEServerPeer.start()
        let peer = try await HTTPPeer.start()
        peer.answer(with: .init(307, headers: ["location": other.url("/there")], body: "id: 9\ndata: x\n\n"))
        let fixture = try StreamFixture(
            peer.url(), #""method": "REPORT", "body": "{}", "token": "t", "headers": {"X-Key": "k"}, "last_event_id": "4""#)
        try await eventually { other.clients == 1 }
        #expect(peer.requests[0].headers["x-key"] == "k")
        #expect(peer.requests[0].headers["authorization"] == "Bearer t")
        let request = other.requests[0]
        #expect(request.method == "REPORT")
        #expect(request.uri == "/there")
        #expect(String(buffer: request.body) == "{}")
        #expect(request.lastEventID == "4")
        #expect(request.headers["x-key"] == nil)
        #expect(request.headers["authorization"] == nil)
        other.publish([.init("a")])
        #expect(try await fixture.bodies(1) == ["a"])
        await fixture.stop()
    }

    @Test(
        arguments: [
            (200, ["content-type": "text/event-stream", "content-encoding": "br"], "x", 0),
            (500, ["content-type": "text/event-stream"], "", 0),
            (200, ["content-type": "text/html"], "data: x\n\n", 0),
            (307, ["location": "/stream"], "", 0),
            // What is accepted counts as a stream until it has proved to bring nothing.
            (200, ["content-type": "text/event-stream", "content-encoding": "gzip"], "x", 1),
            (200, ["content-type": "text/event-stream"], "", 1),
        ] as [(Int, HTTPFields, String, Int)])
    func `connections that deliver nothing are one gap`(
        _ status: Int, _ headers: HTTPFields, _ body: String, _ gaps: Int
    ) async throws {
        let peer = try await HTTPPeer.start()
        let asked = Mutex(0)
        peer.answer { _ in
            let number = asked.withLock { count in
                count += 1
                return count
            }
            guard number == 1 else { return .init(status, headers: headers, body: body) }
            return .init(headers: ["content-type": "text/event-stream"], body: "data: a\n\n")
        }
        let fixture = try StreamFixture(peer.url("/stream"))
        _ = try await fixture.bodies(1)
        try await eventually("it is asked again and again") { peer.count >= 6 }
        peer.answer(with: .init(headers: ["content-type": "text/event-stream"], body: "data: b\n\n"))
        try await eventually("the stream is there again") { fixture.sink.bodies.count >= 2 }
        let between = fixture.sink.deliveries.map(\.event).drop { $0.kind != .gap }.prefix { $0.kind == .gap }
        #expect(between.count == gaps + 1, "the last one is for the time until the stream was there again")
        #expect(between.allSatisfy { $0.message.hasSuffix("s, and the server sends no ids to resume from") })
        await fixture.stop()
    }

    @Test(arguments: [("", ["a.example:8080"]), (#""unix_socket": "/run/x""#, []), (#""proxy": "http://p:1""#, [])])
    func `only a direct host is probed while it is unreachable`(_ settings: String, _ peers: [String]) throws {
        let configuration = try StreamFixture.configuration("http://a.example:8080/x", settings)
        let shared = SharedServices()
        shared.add(CurlMulti())
        let context = ComponentContext(
            name: "in", logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "b", cursors: MemoryCursorStore(),
            metrics: ComponentMetrics(component: "in", kind: "sse", direction: "source", metrics: Metrics()), shared: shared
        )
        let source = try SSESource(configuration: configuration, context: context)
        #expect(source.peers.map { "\($0.host):\($0.port)" } == peers)
    }

    @Test func `an event over the limit is a gap and the stream continues`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url(), #""max_event": "1KiB""#)
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a"), .init(id: "2", String(repeating: "x", count: 2000)), .init(id: "3", "b")])
        #expect(try await fixture.bodies(2) == ["a", "b"])
        #expect(
            fixture.sink.gaps.map(\.message) == ["an event 'message' of 2000 bytes is over the limit of 1024 and was skipped"]
        )
        await fixture.stop()
    }

    @Test func `events over the limit in a burst are one gap a second, which counts them all`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url(), #""max_event": "1KiB""#)
        try await eventually { peer.clients == 1 }
        let start = ContinuousClock.now
        let large = Array(repeating: SSEServerPeer.Event(String(repeating: "x", count: 2000)), count: 100)
        for _ in 0..<20 { peer.publish(large) }
        peer.publish([.init("end")])
        #expect(try await fixture.bodies(1) == ["end"])
        await fixture.stop()
        let seconds = Int(start.duration(to: .now) / .seconds(1))
        let gaps = fixture.sink.gaps
        #expect((2...seconds + 2).contains(gaps.count))
        // The first one is alone; the others begin with their number.
        #expect(gaps[0].message.hasPrefix("an event 'message' of 2000 bytes"))
        #expect(gaps.dropFirst().reduce(1) { $0 + (Int($1.message.prefix { $0 != " " }) ?? 1) } == 2000)
        #expect(
            fixture.metrics.render().contains(
                "streambridge_gaps_total{component=\"in\",direction=\"source\",kind=\"sse\"} 2000"))
    }
}
