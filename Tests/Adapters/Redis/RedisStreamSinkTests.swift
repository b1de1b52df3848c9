import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// How the sink trims a stream.
@Suite(.timeLimit(.minutes(1)))
struct RedisStreamSinkTests {
    private func configuration(_ port: Int, _ settings: String) throws -> RedisStreamSink.Configuration {
        let json = "{\"url\":\"redis://127.0.0.1:\(port)\",\"stream\":\"s\",\(settings)}"
        let configuration = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return configuration
    }

    @Test func `entries that are too old are trimmed`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        // A server trims whole nodes of 100 entries.
        for index in 1...250 { try await peer.command("XADD", "s", "\(index)-0", "data", "old") }
        let configuration = try self.configuration(server.port, #""max_age":"1h""#)
        let harness = SinkHarness(name: "out", kind: RedisStreamSink.kind) {
            RedisStreamSink(variants: [configuration], context: $0)
        }
        try await harness.run {
            harness.source.send([ByteBuffer(string: "a"), ByteBuffer(string: "b")])
            try await eventually("both are there") {
                try await peer.entries(of: "s").filter { $0.id.count > 10 }.count == 2
            }
        }
        let old = try await peer.entries(of: "s").count - 2
        #expect(old < 100)
        let fields = try await peer.entries(of: "s").suffix(2).map { $0.fields.map { String(buffer: $0) } }
        #expect(fields.allSatisfy { $0.first == "event" && $0.contains("event-id") })
    }

    @Test func `two ways of trimming are refused`() {
        #expect {
            try self.configuration(1, #""maxlen":10,"max_age":"1h""#)
        } throws: {
            ($0 as? SettingError)?.message == "maxlen and max_age exclude each other; leave one out"
        }
    }
}
