import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

/// Every input of a peer becomes a clean event or a clear refusal; the program stays alive, and no input forges a field
/// of the stream.
@Suite(.timeLimit(.minutes(3)))
struct HostileInputTests {
    private static let forgery = "x\ndata: {\"message\":\"forged\"}\r\rid: forged\r\nevent: forged\n\n"

    /// Bodies that protocols with bytes can carry.
    private static let bodies: [(name: String, body: ByteBuffer)] = [
        ("empty", ByteBuffer()),
        ("one NUL", ByteBuffer(bytes: [0])),
        ("every byte", ByteBuffer(bytes: UInt8.min...UInt8.max)),
        ("lonely continuation bytes", ByteBuffer(bytes: [0x80, 0xBF, 0xFE, 0xFF])),
        ("overlong slash", ByteBuffer(bytes: [0xC0, 0xAF])),
        ("half a character", ByteBuffer(bytes: Array("gr\u{FC}n".utf8).dropLast(2))),
        ("half a surrogate", ByteBuffer(string: #"{"message":"\ud800"}"#)),
        ("malformed UTF-8 in JSON", ByteBuffer(bytes: Array(#"{"message":""#.utf8) + [0xFF] + Array(#""}"#.utf8))),
        ("lines", ByteBuffer(string: forgery)),
        (
            "lines in JSON strings",
            ByteBuffer(string: #"{"title":"a\nid: 1\rb","message":"a\r\ndata: x\u2028\u0085","tags":["\n"]}"#)
        ),
        ("lines between JSON members", ByteBuffer(string: "{\r\n\"message\":\r\"spaced\",\n\n\"other\":\r\n1}")),
        ("an id with lines", ByteBuffer(string: #"{"id":"a\nb","message":"id","timestamp":"2026-01-01T00:00:00Z"}"#)),
        ("deep JSON", ByteBuffer(string: String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000))),
        (
            "deep objects",
            ByteBuffer(string: String(repeating: #"{"a":"#, count: 5000) + "1" + String(repeating: "}", count: 5000))
        ),
        ("half JSON", ByteBuffer(string: #"{"message":"#)),
        ("two JSON values", ByteBuffer(string: #"{"message":"a"} {"message":"b"}"#)),
        (
            "numbers beyond bounds",
            ByteBuffer(string: #"{"message":"n","priority":1e400,"payload":{"a":123456789012345678901234567890}}"#)
        ),
        ("keys twice", ByteBuffer(string: #"{"message":"a","message":"b","message":["c"]}"#)),
        ("types that are wrong", ByteBuffer(string: #"{"title":{},"message":[],"priority":"high","tags":7,"timestamp":true}"#)),
        ("a mebibyte of text", ByteBuffer(repeating: UInt8(ascii: "m"), count: 1 << 20)),
        ("a mebibyte of JSON", ByteBuffer(string: #"{"message":"\#(String(repeating: "m", count: (1 << 20) - 14))"}"#)),
        ("a byte order mark", ByteBuffer(string: "\u{FEFF}{\"message\":\"marked\"}")),
        ("a million quotes", ByteBuffer(repeating: UInt8(ascii: "\""), count: 100_000)),
    ]

    @Test func `of MQTT`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let bridge = try await Self.bridge(
            "{ type: mqtt, url: \"mqtt://127.0.0.1:\(broker.port)\", subscribe: [{ topic: \"#\", qos: 1 }] }"
        )
        let client = try await bridge.stream("out")
        let peer = try await MQTTPeer.connect(port: broker.port)
        for (_, body) in Self.bodies { try await peer.publish([body], on: "in") }
        let topics = [
            "a", "/", "//", "a/", "/a", " ", "a b", "\u{1F600}/\u{E4}", "a\tb", "data: x", "a\"b\\c",
            String(repeating: "t", count: 1000),
            "$notsys", "a\u{1}b", "a\u{7F}b", "line\nid: forged\n\ndata: {}",
        ]
        var sent = Self.bodies.count
        for topic in topics {
            // mosquitto itself refuses some of these, by ending the connection.
            let odd = try await MQTTPeer.connect(port: broker.port)
            do { try await odd.publish("odd topic", on: topic) } catch is PeerError { continue }
            if !topic.hasPrefix("$") { sent += 1 }
        }
        try await peer.publish("the last", on: "in")
        try await Self.expectClean(client, bridge, events: sent + 1)
    }

    @Test func `of Redis`() async throws {
        let server = try await BrokerProcess.redis()
        let bridge = try await Self.bridge("{ type: redis, url: \"redis://127.0.0.1:\(server.port)\", patterns: [\"*\"] }")
        let client = try await bridge.stream("out")
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.publish(Self.bodies.map(\.body), on: "in")
        // An empty channel is left out: to Redis 7 the pattern `*` does not match it.
        let channels = [ByteBuffer(string: Self.forgery), ByteBuffer(bytes: UInt8.min...UInt8.max)]
        for channel in channels {
            try await peer.pipeline([[ByteBuffer(string: "PUBLISH"), channel, ByteBuffer(string: "odd channel")]])
        }
        try await peer.publish([ByteBuffer(string: "the last")], on: "in")
        try await eventually("all are taken in") {
            try await bridge.metric("streambridge_events_received_total") == Double(Self.bodies.count + channels.count + 1)
        }
        // Two of a mebibyte, the quotes, and what is too deep to be read as JSON.
        #expect(try await bridge.metric("streambridge_events_cut_total") == 5)
        try await Self.expectClean(client, bridge, events: Self.bodies.count + channels.count + 1)
    }

    @Test func `of Redis streams`() async throws {
        let server = try await BrokerProcess.redis()
        let bridge = try await Self.bridge(
            "{ type: redis-stream, url: \"redis://127.0.0.1:\(server.port)\", stream: in, group: bridge }"
        )
        let client = try await bridge.stream("out")
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.add(Self.bodies.map(\.body), to: "in")
        let odd = ["XADD", "in", "*", Self.forgery, Self.forgery, "", "", "\u{0}", "\u{0}"].map { ByteBuffer(string: $0) }
        try await peer.pipeline([odd])
        try await peer.add([ByteBuffer(string: "the last")], to: "in")
        try await Self.expectClean(client, bridge, events: Self.bodies.count + 2)
    }

    @Test func `of webhooks`() async throws {
        let bridge = try await Self.bridge("{ type: webhook, id: in }")
        let client = try await bridge.stream("out")
        var accepted = 0
        for (name, body) in Self.bodies {
            for type in ["application/json", "text/plain", nil] {
                let headers = [("X-Title", "a\u{FF}b"), ("X-Tags", ",,a,"), ("X-Priority", "-9e99")]
                let answer = try await bridge.post("/n/in", body, type: type, headers: headers)
                switch answer.status {
                case 201: accepted += 1
                case 400, 413, 415: #expect(answer.text.hasPrefix("{\"error\":\""), "\(name): \(answer.text)")
                default: Issue.record("\(name) as \(type ?? "no type") was answered with \(answer.status)")
                }
            }
        }
        #expect(accepted > Self.bodies.count)
        #expect(try await bridge.post("/n/in", ByteBuffer(string: "the last"), type: "text/plain").status == 201)
        try await Self.expectClean(client, bridge, events: accepted + 1)
    }

    @Test func `of HTTP itself`() async throws {
        let bridge = try await Self.bridge("{ type: webhook, id: in }")
        let client = try await bridge.stream("out")
        let requests = [
            "nonsense\r\n\r\n", "POST /n/in HTTP/9.9\r\n\r\n", "POST /n/in HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "GET /api/stream/out HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: a\u{0}b\r\n\r\n",
            "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: \(String(repeating: "a", count: 200_000))\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}",
        ]
        for request in requests {
            try await OwnThread.run {
                let socket = try BlockingSocket(port: bridge.port)
                // The program may end the connection while we still write.
                try? socket.write(Array(request.utf8))
            }
        }
        #expect(try await bridge.post("/n/in", ByteBuffer(string: "the last"), type: "text/plain").status == 201)
        try await Self.expectClean(client, bridge, events: nil)
    }

    @Test func `of an SSE server`() async throws {
        let server = try await SSEServerPeer.start()
        let bridge = try await Self.bridge("{ type: sse, url: \"\(server.url())\" }")
        let client = try await bridge.stream("out")
        // Bytes that no event stream may hold, but broken servers send; lines within a body end them, as the format wants.
        for (index, (_, body)) in Self.bodies.enumerated() where body.readableBytes > 0 {
            server.publish([.init(id: "\(index)", type: index % 2 == 0 ? nil : "odd type \u{1}", data: body)])
        }
        server.write(raw: ByteBuffer(string: "id: \u{0}\nretry: 99999999999999999999\nevent\ndata\n\n:\n\u{FEFF}data: x\n\n"))
        server.publish([.init(id: "last", "the last")])
        try await Self.expectClean(client, bridge, events: nil)
    }

    private static func bridge(_ source: String) async throws -> BridgeProcess {
        try await BridgeProcess.start(
            """
            sources:
              in: \(source)
            sinks:
              out: { type: sse, stream: out, slow_client: { bytes: 64MiB } }
              lines: { type: file, path: "{directory}/lines" }
            routes:
              - { from: [in], to: [out, lines] }
            """
        )
    }

    /// Waits for the event `the last` and looks at everything before it.
    ///
    /// - Parameter events: how many there must be; `nil` when only the program knows.
    private static func expectClean(_ client: SSEClientPeer, _ bridge: BridgeProcess, events: Int?) async throws {
        func isLast(_ event: SSEClientPeer.Event) -> Bool { event.data.contains("the last") }
        try await eventually(within: .seconds(60), "the last has arrived after \(client.count)") {
            if let ending = bridge.process.ended { throw PeerError("the program ended with \(ending)") }
            return client.messages.contains(where: isLast)
        }
        let messages = client.messages
        // One JSON object on one line each, in UTF-8.
        #expect(String(validating: client.body, as: UTF8.self) != nil, "the stream is UTF-8")
        let received = try ReceivedEvent.all(messages.map(\.data))
        if let events { #expect(received.count == events) }
        #expect(messages.allSatisfy { !$0.data.contains("\n") })
        #expect(client.naiveData == messages.map(\.data))
        // Only the types that the endpoint has, and ids that count up by one.
        #expect(Set(client.events.map(\.type)).isSubset(of: ["message", "cursor", "gap"]))
        let numbered = client.events.filter { $0.type != "cursor" }
        #expect(numbered.compactMap { $0.id.split(separator: "-").last.flatMap { Int($0) } } == Array(1...numbered.count))
        #expect(!received.contains { $0.id == "forged" || $0.message == "forged" && $0.title == nil })
        // The same events, one a line, in the file; the stream escapes what some of its readers take for line ends.
        try await eventually("the file has them") { bridge.lines(of: "lines").count >= numbered.count }
        let lines = bridge.lines(of: "lines").map { line in
            line.replacing("\u{85}", with: #"\u0085"#).replacing("\u{2028}", with: #"\u2028"#).replacing(
                "\u{2029}", with: #"\u2029"#)
        }
        #expect(lines == numbered.map(\.data))
        #expect(try await bridge.get("/livez").status == 200)
        #expect(try await bridge.stop() == .exited(0))
    }
}
