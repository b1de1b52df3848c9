import BridgeTesting
import NIOCore
import Testing

/// Addresses from an event that lacks a part: without a value, a topic or key would be another one.
@Suite(.timeLimit(.minutes(2)))
struct MissingValueTests {
    @Test func `an event without a value of the address becomes a dead letter of each sink`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let redis = try await BrokerProcess.redis()
        let receiver = try await HTTPPeer.start()
        let bridge = try await BridgeProcess.start(
            """
            defaults: { dead_letter: letters }
            sources: { in: { type: webhook, id: hello } }
            sinks:
              streams: { type: sse, stream: "d/{{ .payload.device }}" }
              topics: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", topic: "d/{{ .payload.device }}/set" }
              channels: { type: redis, url: "redis://127.0.0.1:\(redis.port)", channel: "d:{{ .payload.device }}" }
              entries: { type: redis-stream, url: "redis://127.0.0.1:\(redis.port)", stream: "d:{{ .payload.device }}" }
              hooks: { type: webhook, url: "\(receiver.url("/secret"))/{{ .payload.device }}" }
              letters: { type: file, path: "{directory}/letters", body: "{{ .payload.sink }}: {{ .message }}" }
            routes: [{ to: [streams, topics, channels, entries, hooks] }]
            """
        )
        let subscriber = try await MQTTPeer.connect(port: broker.port)
        try await subscriber.subscribe("#")
        let channel = try await RedisPeer.connect(port: redis.port)
        try await channel.subscribe(patterns: ["*"])
        for body in [#"{"device":null,"m":"a"}"#, #"{"m":"b"}"#, #"{"device":"lamp","m":"c"}"#] {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: body), type: "application/json").status == 201)
        }
        let part = "{{ .payload.device }} has no value in this event"
        let expected = [
            "channels: the message cannot be rendered: d:{{ .payload.device }} has no result: \(part)",
            "entries: the message cannot be rendered: d:{{ .payload.device }} has no result: \(part)",
            "hooks: the address cannot be rendered: \(part)",
            "streams: the stream's name d/{{ .payload.device }} cannot be rendered: \(part)",
            "topics: the topic d/{{ .payload.device }}/set cannot be rendered: \(part)",
        ]
        try await eventually("five sinks give up two events each, not \(bridge.lines(of: "letters"))") {
            bridge.lines(of: "letters").sorted() == expected.flatMap { [$0, $0] }
        }
        let client = try await RedisPeer.connect(port: redis.port)
        try await eventually("the third event arrives everywhere") {
            let keys = try await client.command("KEYS", "*").items.compactMap(\.text)
            return subscriber.messages.map(\.topic) == ["d/lamp/set"] && channel.messages.map(\.channel) == ["d:lamp"]
                && keys == ["d:lamp"] && receiver.requests.map(\.uri) == ["/secret/lamp"]
        }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a default in the address is taken where the value is missing`() async throws {
        let receiver = try await HTTPPeer.start()
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks:
              hooks:
                type: webhook
                url: '\(receiver.url()){{ .payload.device // "nobody" }}/{{ .priority * 2 }}'
                body: '{{ .tags | join("+") }}|{{ .payload.no }}'
            routes: [{ to: [hooks] }]
            """
        )
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: #"{"m":"a"}"#), type: "application/json").status == 201)
        try await eventually("it arrives") { receiver.count == 1 }
        #expect(receiver.requests.map(\.uri) == ["/nobody/6"])
        #expect(receiver.requests.map(\.text) == ["|"])
        #expect(try await bridge.stop() == .exited(0))
    }
}
