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
    func `the body of an answer that is no stream brings neither events nor an id`(
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

    @Test func `a redirect is followed with the id, and without the keys where another host is`() async throws {
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

    @Test(arguments: [("", ["a.example:8080"]), (#""unix_socket": "/run/x""#, []), (#""proxy": "http://p:1""#, [])])
    func `only a host that is connected to is probed while it is away`(_ settings: String, _ peers: [String]) throws {
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
}
