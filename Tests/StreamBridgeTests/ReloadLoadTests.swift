import BridgeTesting
import NIOCore
import Testing

/// A hundred reloads while ten thousand messages flow and both servers are killed: nothing is lost, and nobody is disconnected.
@Suite(.timeLimit(.minutes(3)))
struct ReloadLoadTests {
    private static let reloads = 100
    private static let messagesPerReload = 100

    /// The file of a round: some sinks, sources and routes come, go and change; the stream stays.
    private static func yaml(_ round: Int, mqtt: Int, redis: Int) -> String {
        let buffer = 100_000 + (round % 5 == 0 ? round : 0)
        var sinks = [
            "stream: { type: sse, stream: all, slow_client: { bytes: 64MiB, stall: 60s } }",
            "store: { type: redis-stream, url: \"redis://127.0.0.1:\(redis)\", stream: out, buffer: { events: \(buffer) } }",
        ]
        var sources = [
            """
            in: { type: mqtt, url: "mqtt://127.0.0.1:\(mqtt)", client_id: in, keep_alive: \(30 + round / 10)s, \
            subscribe: [{ topic: in/#, qos: 1 }] }
            """
        ]
        var routes = ["{ name: main, from: in, set: { tags: [\"round-\(round / 3)\"] }, to: [stream, store] }"]
        if round % 2 == 1 {
            sinks.append("file-\(round % 3): { type: file, path: \"{directory}/out-\(round)\" }")
            routes.append("{ from: in, to: file-\(round % 3) }")
        }
        if round % 3 == 1 {
            sources.append("hook-\(round % 4): { type: webhook, id: hook }")
            routes.insert("{ name: hooks, from: hook-\(round % 4), to: store }", at: 0)
        }
        return """
            sources:
              \(sources.joined(separator: "\n  "))
            sinks:
              \(sinks.joined(separator: "\n  "))
            routes:
              - \(routes.joined(separator: "\n  - "))
            """
    }

    @Test func `nothing is lost and no subscriber is disconnected`() async throws {
        // It keeps the session of the source across a kill.
        let broker = try await BrokerProcess.mosquitto("persistence true", "autosave_interval 1")
        let redis = try await BrokerProcess.redis("--appendonly", "yes", "--appendfsync", "always")
        func yaml(_ round: Int) -> String { Self.yaml(round, mqtt: broker.port, redis: redis.port) }
        let bridge = try await BridgeProcess.start(yaml(0))
        let client = try await bridge.stream("all")
        var publisher = try await MQTTPeer.connect(port: broker.port)
        var results: [Int: Int] = [:]
        // A source that reconnects may get a message again, so what counts are the different ones.
        var received: Set<String> = []
        var decoded = 0
        func hasReceived(_ count: Int) throws -> Bool {
            let fresh = client.messages.dropFirst(decoded)
            decoded += fresh.count
            received.formUnion(try ReceivedEvent.all(fresh.map(\.data)).map(\.message))
            return received.count >= count
        }
        for round in 1...Self.reloads {
            let isBroken = round % 7 == 0
            try bridge.rewrite(isBroken ? yaml(round) + "\n  - { to: nowhere }" : yaml(round))
            if round == 75 {
                // What a publisher has an acknowledgement for may be lost with a broker that is killed before it saves it.
                let count = (round - 1) * Self.messagesPerReload
                try await eventually(within: .seconds(60), "nothing is in flight") { try hasReceived(count) }
                try await broker.kill()
                #expect(try await bridge.reload().status == 200, "a reload without the broker")
                try await broker.restart()
                publisher = try await MQTTPeer.connect(port: broker.port)
            }
            let bodies = (0..<Self.messagesPerReload).map { ByteBuffer(string: "m\((round - 1) * Self.messagesPerReload + $0)") }
            let current = publisher
            async let published: Void = current.publish(bodies, on: "in/a")
            if round == 30 { try await redis.kill() }
            if round == 60 { try await redis.restart() }
            let status = try await bridge.reload().status
            #expect(status == (isBroken ? 422 : 200), "round \(round)")
            results[status, default: 0] += 1
            try await published
        }
        let count = Self.reloads * Self.messagesPerReload
        let expected = Set((0..<count).map { "m\($0)" })
        try await eventually(within: .seconds(60), "the subscriber has everything but \(expected.subtracting(received).count)") {
            try hasReceived(count)
        }
        #expect(received == expected)
        #expect(client.ending == nil)
        // All events of the hub are this stream's.
        let numbers = client.messages.compactMap { $0.id.split(separator: "-").last.flatMap { Int($0) } }
        #expect(numbers == Array((numbers.first ?? 0)..<(numbers.first ?? 0) + client.messages.count))
        #expect(!client.events.contains { $0.type == "gap" })
        let peer = try await RedisPeer.connect(port: redis.port)
        try await eventually(within: .seconds(60), "the store has everything") {
            try await bridge.metric("streambridge_queue_events", "component=\"store\"") == 0
        }
        let entries = try await peer.entries(of: "out").map { String(buffer: $0.fields[1]) }
        let texts = Set(try ReceivedEvent.all(entries).map(\.message))
        #expect(texts.isSuperset(of: expected), "\(expected.subtracting(texts).count) are lost")
        #expect(try await bridge.metric("streambridge_sse_connections_opened_total") == 1)
        #expect(results == [200: Self.reloads - Self.reloads / 7, 422: Self.reloads / 7])
        #expect(try await bridge.stop() == .exited(0))
    }
}
