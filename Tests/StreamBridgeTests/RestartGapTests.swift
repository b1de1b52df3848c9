import BridgeTesting
import NIOCore
import Testing

/// The program is off while peers that keep nothing send something.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RestartGapTests {
    @Test(arguments: [true, false], [true, false])
    func `each source whose peer keeps nothing reports a gap at the next start`(isKilled: Bool, isDurable: Bool) async throws {
        let server = try await SSEServerPeer.start()
        let redis = try await BrokerProcess.redis()
        let broker = try await BrokerProcess.mosquitto()
        let bridge = try await BridgeProcess.start(
            """
            \(isDurable ? "log: { kind: sqlite, path: \"{directory}/events.db\" }" : "")
            sources:
              stream: { type: sse, url: "\(server.url())" }
              channel: { type: redis, url: "redis://127.0.0.1:\(redis.port)", channels: [c] }
              topic: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", subscribe: { topic: t, qos: 0 } }
            sinks:
              streams: { type: file, path: "{directory}/stream" }
              channels: { type: file, path: "{directory}/channel" }
              topics: { type: file, path: "{directory}/topic" }
            routes:
              - { from: [stream], to: streams }
              - { from: [channel], to: channels }
              - { from: [topic], to: topics }
            """
        )
        let channel = try await RedisPeer.connect(port: redis.port)
        let topic = try await MQTTPeer.connect(port: broker.port)
        func send(_ text: String) async throws {
            server.publish([.init(text)])
            try await channel.publish([ByteBuffer(string: text)], on: "c")
            try await topic.publish(text, on: "t", qos: 0)
        }
        try await send("before")
        let names = ["stream", "channel", "topic"]
        try await eventually("all three have arrived") { names.allSatisfy { bridge.lines(of: $0).count == 1 } }
        if isDurable {
            // A crash leaves what was committed; the times are, at the latest with the events.
            try await eventually("the times are on disk") {
                let count = try SQLiteShell.query(
                    "SELECT count(*) FROM cursors WHERE source LIKE \"%seen\"", in: bridge.directory.file("events.db"))
                return count == "3"
            }
        }
        bridge.process.signal(isKilled ? 9 : 15)
        _ = try await bridge.process.untilEnded()
        try await send("missed")
        try await bridge.restart()
        try await bridge.untilReady()
        try await send("after")
        // A crash may deliver the first ones twice.
        func received(_ name: String) throws -> [ReceivedEvent] {
            var ids: Set<String> = []
            return try ReceivedEvent.all(bridge.lines(of: name)).filter { ids.insert($0.id).inserted }
        }
        for (name, reason) in [
            ("stream", "the server sends no ids to resume from"), ("channel", "because Redis pub/sub stores nothing"),
            ("topic", "and the broker kept no session"),
        ] {
            try await eventually("the later one has arrived, after a gap: \(bridge.lines(of: name))") {
                try received(name).count == 3
            }
            let messages = try received(name).map(\.message)
            #expect(messages[0] == "before" && messages[2] == "after")
            #expect(messages[1].hasPrefix("streambridge was not connected to ") && messages[1].hasSuffix(reason))
            #expect(bridge.lines(of: name).contains { $0.contains("\"payload\":{\"from\":\"20") && $0.contains("\"to\":\"20") })
            #expect(try await bridge.metric("streambridge_gaps_total", "\"\(name)\"") == 1)
        }
        #expect(try await bridge.stop() == .exited(0))
    }
}
