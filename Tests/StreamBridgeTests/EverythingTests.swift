import BridgeTesting
import NIOCore
import Testing

/// All sources and all sinks in one file: an event from any source reaches every sink, with the same JSON.
@Suite(.timeLimit(.minutes(2)))
struct EverythingTests {
    @Test func `an event from any source reaches every sink`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let redis = try await BrokerProcess.redis()
        let server = try await SSEServerPeer.start()
        let receiver = try await HTTPPeer.start()
        let lines = try TemporaryDirectory()
        try lines.write("", to: "in")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              mqtt: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", subscribe: [{ topic: in/#, qos: 1 }] }
              redis: { type: redis, url: "redis://127.0.0.1:\(redis.port)", channels: [in] }
              work: { type: redis-stream, url: "redis://127.0.0.1:\(redis.port)", stream: work, group: bridge }
              hook: { type: webhook, id: hello }
              stream: { type: sse, url: "\(server.url())" }
              lines: { type: file, path: "\(lines.file("in"))" }
            sinks:
              demo: { type: sse, stream: demo }
              mqtt_out: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", topic: "out/all", qos: 1 }
              redis_out: { type: redis, url: "redis://127.0.0.1:\(redis.port)", channel: out }
              work_out: { type: redis-stream, url: "redis://127.0.0.1:\(redis.port)", stream: done }
              hook_out: { type: webhook, url: "\(receiver.url("/hook"))" }
              lines_out: { type: file, path: "{directory}/out" }
            routes:
              - { to: [demo, mqtt_out, redis_out, work_out, hook_out, lines_out] }
            """
        )
        let stream = try await bridge.stream("demo")
        let subscriber = try await MQTTPeer.connect(port: broker.port)
        try await subscriber.subscribe("out/#")
        let channel = try await RedisPeer.connect(port: redis.port)
        try await channel.subscribe(channels: ["out"])

        let client = try await RedisPeer.connect(port: redis.port)
        try await subscriber.publish("of MQTT", on: "in/a")
        try await client.publish([ByteBuffer(string: "of Redis")], on: "in")
        try await client.add([ByteBuffer(string: "of a Redis stream")], to: "work")
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "of a webhook"), type: "text/plain").status == 201)
        server.publish([.init(id: "1", "of SSE")])
        try lines.append("of a file\n", to: "in")

        let expected = ["of MQTT", "of Redis", "of SSE", "of a Redis stream", "of a file", "of a webhook"]
        try await eventually("six are on the stream, not \(stream.messages)") { stream.messages.count >= 6 }
        let events = stream.messages.map(\.data)
        #expect(try ReceivedEvent.all(events).map(\.message).sorted() == expected)
        var counts: [String: Int] = [:]
        try await eventually("every sink has six, not \(counts)") {
            counts = [
                "mqtt": subscriber.count, "redis": channel.count, "http": receiver.count, "file": bridge.lines(of: "out").count,
                "stream": try await client.entries(of: "done").count,
            ]
            return counts.values.allSatisfy { $0 >= 6 }
        }
        #expect(subscriber.messages.map(\.text) == events)
        #expect(channel.messages.map(\.text) == events)
        #expect(receiver.requests.map(\.text) == events)
        #expect(bridge.lines(of: "out") == events)
        let entries = try await client.entries(of: "done")
        #expect(entries.map { $0.fields.contains { events.contains(String(buffer: $0)) } } == Array(repeating: true, count: 6))

        let figures = try await bridge.get("/metrics").text
        for name in [
            "streambridge_events_received_total", "streambridge_events_sent_total", "streambridge_component_up",
            "streambridge_events_dropped_total", "streambridge_queue_events", "streambridge_delivery_seconds_bucket",
        ] {
            #expect(figures.contains(name), "\(name) is shown")
        }
        #expect(try await bridge.metric("streambridge_component_up") == 12)
        #expect(try await bridge.stop() == .exited(0))
    }
}
