import BridgeTesting
import NIOCore
import Testing

/// The program with a consumer group, killed again and again while its sink is down.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisRestartTests {
    @Test func `entries pending for an unavailable sink are not given up after restarts`() async throws {
        let from = try await BrokerProcess.redis()
        let to = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: from.port)
        try await to.kill()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in:
                type: redis-stream
                url: redis://127.0.0.1:\(from.port)
                stream: jobs
                group: bridge
                start: "0"
                max_deliveries: 1
            sinks:
              out: { type: redis-stream, url: "redis://127.0.0.1:\(to.port)", stream: done, format: raw }
            routes:
              - { to: out }
            """, waitingForReadiness: false
        )
        let texts = (0..<250).map(String.init)
        try await peer.add(texts.map { ByteBuffer(string: $0) }, to: "jobs")
        for round in 0..<4 {
            if round > 0 { try await bridge.restart() }
            try await eventually("all entries are in flight") {
                (try? await bridge.metric("streambridge_events_received_total", "\"in\"")) == 250
            }
            let pending = try await peer.command("XPENDING", "jobs", "bridge", "-", "+", "1000").items
            #expect(pending.count == 250)
            #expect(pending.allSatisfy { $0.items.last?.integer == 1 }, "no start is a delivery")
        }
        try await to.restart()
        try await eventually("all are acknowledged") {
            try await peer.command("XPENDING", "jobs", "bridge", "-", "+", "1").items.isEmpty
        }
        #expect(try await bridge.stop() == .exited(0))
        let done = try await RedisPeer.connect(port: to.port).entries(of: "done")
        #expect(done.map { String(buffer: $0.fields[1]) } == texts)
    }
}
