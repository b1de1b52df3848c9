import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// What the sink publishes.
@Suite(.timeLimit(.minutes(1)))
struct RedisSinkTests {
    private static func configuration(_ port: Int, _ settings: String) throws -> RedisSink.Configuration {
        let json = "{\"url\":\"redis://127.0.0.1:\(port)\",\"channel\":\"out\",\(settings)}"
        let configuration = try JSONDecoder().decode(RedisSink.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return configuration
    }

    @Test func `a structured body is valid JSON for every event`() async throws {
        let server = try await BrokerProcess.redis()
        let listener = try await RedisPeer.connect(port: server.port)
        try await listener.subscribe(channels: ["out"])
        let settings = try Self.configuration(server.port, #""json":["{{ .message }}","{{ .payload.none }}","{{ .priority }}"]"#)
        let sink = SinkHarness(name: "out", kind: RedisSink.kind) { RedisSink(variants: [settings], context: $0) }
        try await sink.run {
            sink.source.send([ByteBuffer(string: "say \"hi\"\\")])
            try await eventually("it arrives") { listener.count == 1 }
        }
        #expect(listener.messages.map(\.text) == [#"["say \"hi\"\\",3]"#])
    }

    @Test func `body, json and format exclude each other`() throws {
        for other in [#""body":"x""#, #""format":"raw""#] {
            let error = #expect(throws: SettingError.self) { try Self.configuration(1, "\"json\":{},\(other)") }
            #expect(error?.description == "json: json, body and format exclude each other; json is the whole body")
        }
        #expect(try Self.configuration(1, #""body":"{\"a\": \"{{ .message }}\"}""#).warnings.count == 1)
        #expect(try Self.configuration(1, #""body":"{\"a\": {{ .priority }}}""#).warnings.isEmpty)
    }
}
