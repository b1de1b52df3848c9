import BridgeCore
import BridgeTesting
import Curl
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

@Suite(.timeLimit(.minutes(2))) struct SSESourceTests {
    @Test func `an event arrives with its type, its id and its data`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "7", type: "door", "open"), .init("second"), .init(type: "two\u{e9}", "a\nb")])
        #expect(try await fixture.bodies(3) == ["open", "second", "a\nb"])
        let events = fixture.sink.events
        #expect(events.map(\.subject) == ["door", "message", "two\u{e9}"])
        #expect(events[0].id == "7")
        #expect(events[0].attributes["sse-event"] == "door")
        // The id is the position in the stream from here on, but names the first event only.
        #expect(events.map { $0.attributes["sse-id"] } == ["7", "7", "7"])
        #expect(events[1].id != "7")
        await fixture.stop()
    }

    @Test func `the request follows the settings`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(
            peer.url("/x?topic=a%20b"),
            #""method": "POST", "body": "{}", "token": "secret", "headers": {"X-One": "1", "User-Agent": "me"}"#
        )
        try await eventually { peer.clients == 1 }
        let request = peer.requests[0]
        #expect(request.method == "POST")
        #expect(request.uri == "/x?topic=a%20b")
        #expect(String(buffer: request.body) == "{}")
        #expect(request.headers["accept"] == "text/event-stream")
        #expect(request.headers["cache-control"] == "no-cache")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["authorization"] == "Bearer secret")
        #expect(request.headers["x-one"] == "1")
        #expect(request.headers["user-agent"] == "me")
        #expect(request.headers["accept-encoding"]?.contains("gzip") == true)
        #expect(request.lastEventID == nil)
        await fixture.stop()
    }

    @Test func `a lost connection resumes, and nothing is missed or reported as a gap`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        for round in 0..<5 {
            peer.publish((0..<10).map { .init(id: "\(round * 20 + $0)", "\(round * 20 + $0)") })
            _ = try await fixture.bodies(round * 20 + 10)
            peer.refuse { _ in .init(503) }
            peer.cut()
            peer.publish((10..<20).map { .init(id: "\(round * 20 + $0)", "\(round * 20 + $0)") })
            peer.refuse(nil)
            _ = try await fixture.bodies(round * 20 + 20)
        }
        #expect(fixture.sink.bodies.map { String(buffer: $0) } == (0..<100).map(String.init))
        #expect(fixture.sink.gaps.isEmpty)
        #expect(peer.requests[0].lastEventID == nil)
        #expect(peer.requests.last?.lastEventID == "89")
        await fixture.stop()
    }

    @Test func `without ids a lost connection is a gap`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.publish([.init("a")])
        _ = try await fixture.bodies(1)
        peer.cut()
        try await eventually { fixture.sink.gaps.count == 1 }
        let reason = fixture.sink.gaps[0].message
        #expect(reason.hasPrefix("the connection to \(peer.url()) was lost for "))
        #expect(reason.hasSuffix(" s, and the server sends no ids to resume from"))
        await fixture.stop()
    }

    @Test func `with resume false no id is sent, and a lost connection is a gap`() async throws {
        let peer = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        let fixture = try StreamFixture(peer.url(), #""resume": false"#, cursors: cursors)
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a")])
        _ = try await fixture.bodies(1)
        peer.cut()
        try await eventually { fixture.sink.gaps.count == 1 }
        #expect(fixture.sink.gaps[0].message.hasSuffix("and resume is false"))
        #expect(peer.requests.allSatisfy { $0.lastEventID == nil })
        #expect(cursors.cursor(of: "in") == nil)
        await fixture.stop()
    }

    /// The id that is kept.
    func kept(_ cursors: MemoryCursorStore) -> String? {
        cursors.cursor(of: "in")?.split(separator: "\n", omittingEmptySubsequences: false).last.map { String($0) }
    }

    @Test func `after a restart the stream resumes after the delivered events`() async throws {
        let peer = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        let first = try StreamFixture(peer.url(), cursors: cursors)
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a"), .init(id: "2", "b")])
        _ = try await first.bodies(2)
        #expect(await first.stop() == 0)
        #expect(self.kept(cursors) == "2")
        peer.publish([.init(id: "3", "c")])
        let second = try StreamFixture(peer.url(), #""last_event_id": "0""#, cursors: cursors)
        #expect(try await second.bodies(1) == ["c"])
        #expect(peer.requests.last?.lastEventID == "2")
        await second.stop()
    }

    @Test func `the cursor stays where it is until the sink has confirmed`() async throws {
        let peer = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        let sink = RecordingSink()
        let fixture = try StreamFixture(peer.url(), cursors: cursors, sink: sink)
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a")])
        try await eventually { self.kept(cursors) == "1" }
        sink.hold()
        peer.publish([.init(id: "2", "b")])
        _ = try await fixture.bodies(2)
        // The stream continues, so the source has had every chance to move the cursor too early.
        peer.cut()
        try await eventually { peer.requests.count >= 2 && peer.clients == 1 }
        #expect(peer.requests[1].lastEventID == "2")
        #expect(self.kept(cursors) == "1")
        sink.hold(false)
        try await eventually { self.kept(cursors) == "2" }
        await fixture.stop()
    }

    @Test func `the first connection begins at last_event_id`() async throws {
        let peer = try await SSEServerPeer.start()
        peer.publish([.init(id: "1", "a"), .init(id: "2", "b")])
        let fixture = try StreamFixture(peer.url(), #""last_event_id": "1""#)
        #expect(try await fixture.bodies(1) == ["b"])
        await fixture.stop()
    }

    @Test func `an id that no header can carry is never sent`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a"), .init(id: "2\u{1}", "b")])
        _ = try await fixture.bodies(2)
        peer.cut()
        try await eventually { peer.requests.count >= 2 }
        #expect(peer.requests[1].lastEventID == "1")
        peer.publish([.init(id: "3", "c")])
        // Events after the sent id are repeated, and are not taken again.
        #expect(try await fixture.bodies(3) == ["a", "b", "c"])
        await fixture.stop()
    }

    @Test func `a server that restarts its ids loses nothing`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        let events: [SSEServerPeer.Event] = [.init(id: "1", "on"), .init(id: "2", "off"), .init(id: "3", "on")]
        for round in 1...3 {
            peer.publish(events)
            #expect(try await fixture.bodies(3 * round).count == 3 * round)
            peer.cut()
            try await eventually { peer.requests.count >= round + 1 && peer.clients == 1 }
            #expect(peer.requests[round].lastEventID == "3")
        }
        #expect(fixture.sink.bodies.map { String(buffer: $0) } == ["on", "off", "on", "on", "off", "on", "on", "off", "on"])
        await fixture.stop()
    }

    @Test func `an id belongs to its address, without the query`() async throws {
        let peer = try await SSEServerPeer.start()
        let other = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        let first = try StreamFixture(peer.url("/stream?key=1"), cursors: cursors)
        try await eventually { peer.clients == 1 }
        peer.publish([.init(id: "1", "a")])
        _ = try await first.bodies(1)
        await first.stop()
        for (address, server, id) in [
            (peer.url("/stream?key=2"), peer, "1"), (other.url(), other, nil), (peer.url("/else"), peer, nil),
        ] as [(String, SSEServerPeer, String?)] {
            let before = server.requests.count
            let next = try StreamFixture(address, cursors: cursors)
            try await eventually { server.requests.count > before }
            #expect(server.requests[before].lastEventID == id, "\(address)")
            await next.stop()
        }
    }

    @Test func `the id stored by version 0·1 is still sent`() async throws {
        let peer = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        try cursors.move("17", of: "in")
        let fixture = try StreamFixture(peer.url(), cursors: cursors)
        try await eventually { peer.requests.count >= 1 }
        #expect(peer.requests[0].lastEventID == "17")
        await fixture.stop()
    }

    @Test(
        arguments: [
            (404, [:], "answered 404 Not Found; 200 was expected; check the path of url"),
            (503, [:], "answered 503 Service Unavailable; 200 was expected"),
            (
                200, [:],
                "answered 200 OK with content of unknown type; text/event-stream was expected; write the address of the stream itself"
            ),
            (
                200, ["content-type": "text/html; charset=utf-8"],
                "answered 200 OK with content of type text/html; charset=utf-8; text/event-stream was expected; write the address of the stream itself"
            ),
        ] as [(Int, HTTPFields, String)])
    func `an answer that is not a stream is reported and retried`(_ status: Int, _ headers: HTTPFields, _ reason: String)
        async throws
    {
        let peer = try await SSEServerPeer.start()
        peer.refuse { _ in .init(status, headers: headers) }
        let fixture = try StreamFixture(peer.url("/stream?key=secret"))
        #expect(try await fixture.failure() == "\(peer.url()) \(reason)")
        peer.refuse(nil)
        try await fixture.isConnected()
        await fixture.stop()
    }

    @Test(arguments: [
        ("gzip", "zlib.gzipSync"), ("x-gzip", "zlib.gzipSync"), ("deflate", "zlib.deflateSync"),
        ("deflate", "zlib.deflateRawSync"),
    ]) func `a server that compresses each event separately is read on one connection`(_ coding: String, _ function: String)
        async throws
    {
        let script = """
            const http = require('http'), zlib = require('zlib');
            let connections = 0;
            http.createServer((request, answer) => {
                connections += 1;
                answer.writeHead(200, {'Content-Type': 'text/event-stream', 'Content-Encoding': '\(coding)'});
                for (let n = 0; n < 5; n++) answer.write(\(function)(`data: ${connections}.${n}\\n\\n`));
                let n = 5;
                const timer = setInterval(() => answer.write(\(function)(`data: ${connections}.${n++}\\n\\n`)), 5);
                request.on('close', () => clearInterval(timer));
            }).listen(0, '127.0.0.1', function() { console.log(this.address().port); });
            """
        try await ChildProcess.with("node", ["-e", script]) { node in
            try await eventually("node listens: \(node.standardError)") { node.standardOutput.hasSuffix("\n") }
            let fixture = try StreamFixture("http://127.0.0.1:\(node.standardOutput.dropLast())/")
            #expect(try await fixture.bodies(20).prefix(20) == (0..<20).map { "1.\($0)" }[...])
            await fixture.stop()
        }
    }

    @Test(arguments: [
        (401, "answered 401 Unauthorized; 200 was expected; check token, user, password and headers"),
        (403, "answered 403 Forbidden; 200 was expected; check token, user, password and headers"),
        (407, "answered 407 Proxy Authentication Required; 200 was expected; check user and password in proxy"),
    ]) func `wrong credentials are reported and not retried within seconds`(_ status: Int, _ reason: String) async throws {
        let peer = try await SSEServerPeer.start()
        peer.refuse { _ in .init(status) }
        let fixture = try StreamFixture(peer.url(), rest: .seconds(1))
        #expect(try await fixture.failure() == "\(peer.url()) \(reason)")
        #expect(await !holds(within: .seconds(2)) { peer.requests.count > 1 })
        #expect(fixture.bridge.sources[0].status.lastError == "\(peer.url()) \(reason)")
        #expect(!fixture.bridge.sources[0].status.hasGivenUp)
        await fixture.stop()
    }

    @Test func `a server that ends the stream after each event gets at most one request a second`() async throws {
        let served = Mutex(0)
        let peer = try await HTTPPeer.start()
        peer.answer { _ in
            let number = served.withLock { count in
                count += 1
                return count
            }
            return .init(200, headers: ["content-type": "text/event-stream"], body: "retry: 0\ndata: \(number)\n\n")
        }
        let began = ContinuousClock.now
        let fixture = try StreamFixture(peer.url("/"), rest: .milliseconds(250))
        #expect(try await fixture.bodies(3) == ["1", "2", "3"])
        #expect(began.duration(to: .now) >= .milliseconds(500))
        await fixture.stop()
    }

    @Test func `a server that restarts its ids for each connection loses nothing when its first id is the requested one`()
        async throws
    {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.write(raw: ByteBuffer(string: "id: 1\ndata: on\n\n"))
        _ = try await fixture.bodies(1)
        peer.cut()
        try await eventually { peer.requests.count >= 2 && peer.clients == 1 }
        #expect(peer.requests[1].lastEventID == "1")
        peer.write(raw: ByteBuffer(string: "id: 1\ndata: off\n\nid: 2\ndata: on\n\n"))
        #expect(try await fixture.bodies(3) == ["on", "off", "on"])
        try await eventually { fixture.sink.gaps.count == 1 }
        let reason = fixture.sink.gaps[0].message
        #expect(reason.hasPrefix("the connection to \(peer.url()) was lost for "))
        #expect(
            reason.hasSuffix(
                " s, and the server's first event has the id '1' that it was asked to resume after, so it does not resume"))
        await fixture.stop()
    }

    @Test func `repeated events after an older id are dropped, but not those of a server that restarted its ids`()
        async throws
    {
        for beginsAnew in [false, true] {
            let peer = try await SSEServerPeer.start()
            peer.replays(false)
            let cursors = MemoryCursorStore()
            let sink = RecordingSink()
            let fixture = try StreamFixture(peer.url(), cursors: cursors, sink: sink)
            try await eventually { peer.clients == 1 }
            peer.write(raw: ByteBuffer(string: "id: 1\ndata: a\n\n"))
            _ = try await fixture.bodies(1)
            // An id that no header can carry, so that the stream is requested after the first event.
            peer.write(raw: ByteBuffer(string: "id: 2\u{1}\ndata: b\n\n"))
            _ = try await fixture.bodies(2)
            peer.cut()
            try await eventually { peer.requests.count >= 2 && peer.clients == 1 }
            #expect(peer.requests[1].lastEventID == "1")
            let again = beginsAnew ? "id: 1\ndata: a\n\n" : ""
            peer.write(raw: ByteBuffer(string: again + "id: 2\u{1}\ndata: b\n\nid: 3\ndata: c\n\n"))
            #expect(try await fixture.bodies(beginsAnew ? 5 : 3) == (beginsAnew ? ["a", "b", "a", "b", "c"] : ["a", "b", "c"]))
            #expect(sink.gaps.count == (beginsAnew ? 1 : 0))
            await fixture.stop()
        }
    }

    @Test func `without ids a restart is a gap with its times, but the first start is not`() async throws {
        let peer = try await SSEServerPeer.start()
        let cursors = MemoryCursorStore()
        let first = try StreamFixture(peer.url(), cursors: cursors)
        try await eventually { peer.clients == 1 }
        peer.publish([.init("a")])
        _ = try await first.bodies(1)
        #expect(first.sink.gaps.isEmpty)
        let stopped = Timestamp.now()
        await first.stop()
        let second = try StreamFixture(peer.url(), cursors: cursors)
        try await eventually { second.sink.gaps.count == 1 }
        let gap = second.sink.gaps[0]
        #expect(gap.message.hasPrefix("streambridge was not connected to \(peer.url()) for "))
        #expect(gap.message.hasSuffix("across a restart, and the server sends no ids to resume from"))
        let payload = try #require(gap.payload).readableBytesView.split(separator: UInt8(ascii: "\"")).map {
            String(decoding: $0, as: UTF8.self)
        }
        try #require(payload.count == 9, "\(payload)")
        let from = try #require(Timestamp(rfc3339: payload[3]))
        let to = try #require(Timestamp(rfc3339: payload[7]))
        #expect(payload[1] == "from" && payload[5] == "to")
        #expect(from >= stopped && to >= from)
        await second.stop()
    }

    @Test func `204 ends the source for good`() async throws {
        let peer = try await SSEServerPeer.start()
        peer.refuse { _ in .init(204) }
        let fixture = try StreamFixture(peer.url())
        #expect(try await fixture.failure() == "\(peer.url()) answered 204 No Content: the stream has ended permanently")
        #expect(fixture.bridge.sources[0].status.hasGivenUp)
        #expect(peer.requests.count == 1)
        await fixture.stop()
    }

    @Test func `an unreachable peer is retried until it answers`() async throws {
        let peer = try await SSEServerPeer.start()
        try await peer.stop()
        let fixture = try StreamFixture(peer.url())
        #expect(try await fixture.failure().hasPrefix("\(peer.url()): Failed to connect to 127.0.0.1 port \(peer.port)"))
        try await peer.listen()
        try await fixture.isConnected()
        #expect(fixture.sink.gaps.isEmpty)
        await fixture.stop()
    }

    @Test func `a silent stream is dropped, and a comment keeps it`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url(), #""idle_timeout": "2s""#)
        try await eventually { peer.clients == 1 }
        let began = ContinuousClock.now
        try await eventually {
            peer.write(raw: ByteBuffer(string: ":\n"))
            return began.duration(to: .now) > .milliseconds(2500)
        }
        #expect(peer.requests.count == 1)
        #expect(try await fixture.failure() == "\(peer.url()): the peer has sent nothing for too long")
        await fixture.stop()
    }

    @Test func `a slow sink stops the reading, and nothing is lost`() async throws {
        let peer = try await SSEServerPeer.start()
        let sink = RecordingSink()
        sink.close()
        let fixture = try StreamFixture(peer.url(), buffer: 10, sink: sink)
        try await eventually { peer.clients == 1 }
        let count = 2000
        let filler = String(repeating: "x", count: 1000)
        for number in 0..<count { peer.publish([.init(id: "\(number)", "\(number) \(filler)")]) }
        try await eventually { fixture.bridge.sources[0].outlet.demand == .pause }
        #expect(fixture.bridge.pending < count)
        sink.close(false)
        let bodies = try await fixture.bodies(count)
        #expect(bodies == (0..<count).map { "\($0) \(filler)" })
        #expect(peer.requests.count == 1)
        await fixture.stop()
    }

    @Test func `control messages of an endpoint are not events`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.publish([
            .init(id: "5", type: "cursor", ""), .init(type: "presence", "{}"), .init(type: "gap", #"{"reason":"evicted"}"#),
            .init(type: "lagged", "3"), .init(type: "snapshot", #"{"snapshot":"begin","cursor":"e-5.0"}"#),
            .init(type: "snapshot", #"{"snapshot":"end","cursor":"e-5"}"#), .init("a"),
            // An event of another server.
            .init(type: "snapshot", #"{"snapshot":"begin"}"#),
        ])
        #expect(try await fixture.bodies(2) == ["a", #"{"snapshot":"begin"}"#])
        try await eventually { fixture.sink.gaps.count == 2 }
        #expect(
            fixture.sink.gaps.map(\.message) == [
                "\(peer.url()) reports a loss: evicted", "\(peer.url()) reports a loss: 3",
            ]
        )
        peer.cut()
        try await eventually { peer.requests.count >= 2 }
        #expect(peer.requests[1].lastEventID == "5")
        await fixture.stop()
    }

    @Test func `only the configured types are received`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url(), #""events": ["presence", "b"]"#)
        try await eventually { peer.clients == 1 }
        peer.publish([.init("no"), .init(type: "presence", "1"), .init(id: "9", type: "a", "no"), .init(type: "b", "2")])
        #expect(try await fixture.bodies(2) == ["1", "2"])
        #expect(
            fixture.metrics.render().contains(
                "streambridge_sse_events_skipped_total{component=\"in\",direction=\"source\",kind=\"sse\"} 2"))
        await fixture.stop()
    }

    @Test func `the server's retry is the minimum wait`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        peer.write(raw: ByteBuffer(string: "retry: 400\ndata: a\n\n"))
        _ = try await fixture.bodies(1)
        let cut = ContinuousClock.now
        peer.cut()
        try await eventually { peer.requests.count >= 2 }
        #expect(cut.duration(to: .now) >= .milliseconds(400))
        await fixture.stop()
    }

    @Test func `stopping closes the connection and returns at once`() async throws {
        let peer = try await SSEServerPeer.start()
        let fixture = try StreamFixture(peer.url())
        try await eventually { peer.clients == 1 }
        let began = ContinuousClock.now
        #expect(await fixture.stop() == 0)
        #expect(began.duration(to: .now) < .seconds(20))
        try await eventually { peer.clients == 0 }
    }
}
