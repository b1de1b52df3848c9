import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// How the sink trims a stream, and what it appends.
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

    @Test func `two limits for trimming are refused`() {
        #expect {
            try self.configuration(1, #""maxlen":10,"max_age":"1h""#)
        } throws: {
            ($0 as? SettingError)?.message == "maxlen and max_age exclude each other; leave one out"
        }
    }

    @Test func `a structured body is valid JSON for every event`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let configuration = try self.configuration(server.port, #""json":{"text":"{{ .message }}","none":"{{ .payload.none }}"}"#)
        let harness = SinkHarness(name: "out", kind: RedisStreamSink.kind) {
            RedisStreamSink(variants: [configuration], context: $0)
        }
        let text = "say \"hi\"\r\n\\ \u{1} \\\""
        try await harness.run {
            harness.source.send([ByteBuffer(string: text)])
            try await eventually("it is there") { try await peer.entries(of: "s").count == 1 }
        }
        let fields = try #require(try await peer.entries(of: "s").first).fields.map { String(buffer: $0) }
        #expect(fields.first == "data")
        #expect(fields.contains("event-id"))
        #expect(try JSONDecoder().decode([String: String].self, from: Data(fields[1].utf8)) == ["text": text])
    }

    @Test(arguments: [#""fields":{"a":"b"}"#, #""format":"raw""#])
    func `fields, json and format exclude each other`(other: String) {
        let error = #expect(throws: SettingError.self) { try self.configuration(1, "\"json\":{},\(other)") }
        #expect(error?.description == "json: json, fields and format exclude each other; json is the whole field data")
    }

    @Test func `a template within a JSON string of a field draws a warning`() throws {
        let warned = try self.configuration(
            1, #""fields":{"b":"[\"{{ .message }}\"]","a":"{{ .message }}","c":"{\"x\":\"{{ .title }}\"}"}"#)
        #expect(
            warned.warnings.map(\.description) == [
                "fields.b: {{ .message }} is within a JSON string, so a quote or a line break in an event breaks the JSON; write json:"
                    + " with members instead of fields:, or {{ … | tojson }} without quotes around it",
                "fields.c: {{ .title }} is within a JSON string, so a quote or a line break in an event breaks the JSON; write json:"
                    + " with members instead of fields:, or {{ … | tojson }} without quotes around it",
            ])
        #expect(try self.configuration(1, #""json":["{{ .message }}"]"#).warnings.isEmpty)
    }

    @Test func `check warns about such templates where a route sets them, and only there`() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            #"""
            sources: { in: { type: webhook, id: hello } }
            sinks:
              s: { type: redis-stream, url: "redis://h", stream: s, fields: { a: "x" } }
              m: { type: mqtt, url: "mqtt://h", topic: a, body: '{"a": "{{ .title }}"}' }
              f: { type: file, path: /dev/null }
            routes:
              - to:
                  - { sink: s, with: { fields: { a: '{"a": "{{ .message }}"}' } } }
                  - { sink: m, with: { topic: b } }
                  - { sink: m, with: { topic: c, body: '{"a": "{{ .message }}"}' } }
                  - { sink: f, with: { body: '{"a": "{{ .message }}"}' } }
            """#, to: "with.yaml")
        let checked = try await BridgeProcess.command("check", file)
        #expect(checked.code == 0, "\(checked.error)")
        let lines = checked.error.split(separator: "\n").filter { $0.contains("is within a JSON string") }
        #expect(lines.count == 4, "\(checked.error)")
        for place in ["sinks.m.body: {{ .title }}", "with.fields.a: {{ .message }}", "with.body: {{ .message }}"] {
            #expect(lines.contains { $0.contains(place) }, "\(place): \(checked.error)")
        }
        let adapters = try await BridgeProcess.command("adapters")
        let bodies = adapters.output.split(separator: "\n").filter {
            $0.contains("  sink ") && ($0.contains(" body,") || $0.contains(" fields,"))
        }
        #expect(bodies.count == 5, "\(adapters.output)")
        #expect(bodies.allSatisfy { $0.contains(" json") }, "\(adapters.output)")
    }
}
