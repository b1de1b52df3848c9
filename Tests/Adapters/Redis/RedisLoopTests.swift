import BridgeTesting
import Testing

/// Events that return through a channel or a stream of the same file.
@Suite(.timeLimit(.minutes(2)))
struct RedisLoopTests {
    private static let server = #"url: "redis://127.0.0.1:6379""#

    private func check(_ sources: [String], _ sinks: [String], routes: String = "[{ to: [s0] }]") async throws -> (
        code: Int32, text: String
    ) {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.file(sources, sinks, routes), to: "circle.yaml")
        let checked = try await BridgeProcess.command("check", file)
        return (checked.code, checked.output + checked.error)
    }

    private static func file(_ sources: [String], _ sinks: [String], _ routes: String) -> String {
        "sources:\n" + sources.enumerated().map { "  in\($0.offset): { \($0.element) }\n" }.joined()
            + "sinks:\n" + sinks.enumerated().map { "  s\($0.offset): { \($0.element) }\n" }.joined()
            + "routes: \(routes)\n"
    }

    @Test(arguments: [
        (
            "type: redis, channels: [a, c]", "type: redis, channel: c, format: raw",
            "sinks.s0.channel: events would loop forever: c returns through the channel c, and with format: raw it carries"
                + " no mark of its origin; publish to a channel that the source does not read, or write format: json (source in0)"
        ),
        (
            "type: redis, patterns: [\"c[ab]*\"]", "type: redis, channel: cb/1, body: \"{{ .message }}\"",
            "the pattern c[ab]*, and with a body"
        ),
        (
            "type: redis, channels: [c]", "type: redis, channel: c, json: { a: \"{{ .message }}\" }",
            "and with json of its own it carries"
        ),
        ("type: redis, channels: [c]", "type: redis, channel: c, body: ping", "and with a body of its own it carries"),
        (
            "type: redis-stream, stream: s", "type: redis-stream, stream: s, fields: { data: \"{{ .message }}\" }",
            "sinks.s0.stream: events would loop forever: s returns through the stream s, and with fields of its own it carries"
                + " no mark of its origin; append to a stream that the source does not read, or write format: json or raw"
                + " instead of fields (source in0)"
        ),
        (
            "type: redis-stream, stream: s, group: g", "type: redis-stream, stream: s, fields: { a: \"{{ . }}\" }",
            "the stream s, and with fields"
        ),
    ])
    func `check refuses a sink whose events return without a mark`(source: String, sink: String, message: String) async throws {
        let (code, text) = try await self.check(["\(source), \(Self.server)"], ["\(sink), \(Self.server)"])
        #expect(code == 78)
        #expect(text.contains(message), "\(text)")
    }

    @Test func `databases have channels in common, and a server has one name with TLS and without it`() async throws {
        let raw = "type: redis, channel: c, format: raw"
        for url in ["redis://127.0.0.1:6379/3", "rediss://127.0.0.1"] {
            let (code, text) = try await self.check(["type: redis, channels: [c], \(Self.server)"], ["\(raw), url: \"\(url)\""])
            #expect(code == 78, "\(url): \(text)")
        }
        let (code, _) = try await self.check(
            ["type: redis, channels: [c], url: \"redis+sentinel://B,a/m\""], ["\(raw), url: \"redis+sentinel://A:26379,b/m/2\""])
        #expect(code == 78)
    }

    @Test(arguments: [
        ("type: redis, channels: [c]", "type: redis, channel: c"),
        ("type: redis, channels: [c]", "type: redis, channel: c, body: \"{{ . }}\""),
        ("type: redis, channels: [c]", "type: redis, channel: C, format: raw"),
        ("type: redis, patterns: [\"c?\"]", "type: redis, channel: c, format: raw"),
        ("type: redis, channels: [c]", "type: redis, channel: \"{{ .title }}\", format: raw"),
        ("type: redis, channels: [c]", "type: redis-stream, stream: c, fields: { a: b }"),
        ("type: redis-stream, stream: s", "type: redis-stream, stream: s"),
        ("type: redis-stream, stream: s", "type: redis-stream, stream: s, format: raw"),
        ("type: redis-stream, stream: s", "type: redis-stream, stream: s, fields: { event: \"{{ . }}\" }"),
        ("type: redis-stream, stream: s", "type: redis-stream, stream: t, fields: { a: b }"),
    ])
    func `other names and marked events are not loops`(source: String, sink: String) async throws {
        let (code, text) = try await self.check(["\(source), \(Self.server)"], ["\(sink), \(Self.server)"])
        #expect(code == 0, "\(text)")
    }

    @Test func `other servers and databases, conditions and routes are not loops`() async throws {
        let source = "type: redis, channels: [c], \(Self.server)", sink = "type: redis, channel: c, format: raw"
        let other = try await self.check([source], ["\(sink), url: \"redis://127.0.0.1:6380\""])
        #expect(other.code == 0, "\(other.text)")
        let stream = "type: redis-stream, stream: s, url: \"redis://h"
        let database = try await self.check(["\(stream)/1\""], ["\(stream)/2\", fields: { a: b }"])
        #expect(database.code == 0, "\(database.text)")
        let same = try await self.check(["\(stream)\""], ["\(stream)/0\", fields: { a: b }"])
        #expect(same.code == 78)
        for route in ["match: { subject: d }", "dedupe: { key: \"{{ .message }}\", window: 1m }", "from: [in1]"] {
            let checked = try await self.check(
                [source, "type: redis, channels: [d], \(Self.server)"], ["\(sink), \(Self.server)"],
                routes: "[{ to: [s0], \(route) }]")
            #expect(checked.code == 0, "\(checked.text)")
        }
    }

    @Test func `a channel that only a route names is checked`() async throws {
        let (code, text) = try await self.check(
            ["type: redis, channels: [c], \(Self.server)"], ["type: redis, channel: d, format: raw, \(Self.server)"],
            routes: "[{ to: [{ sink: s0, with: { channel: c } }] }]")
        #expect(code == 78)
        #expect(text.contains("sinks.s0: events would loop forever: c returns through the channel c"), "\(text)")
    }

    @Test func `a loop over several sources is refused, but not one that keeps the event's JSON`() async throws {
        func check(_ format: String) async throws -> (code: Int32, text: String) {
            try await self.check(
                [
                    "type: redis, channels: [c], \(Self.server)",
                    "type: mqtt, url: \"mqtt://h\", protocol: \"3.1.1\", subscribe: \"a/#\"",
                    "type: redis-stream, stream: s, \(Self.server)",
                ],
                [
                    "type: mqtt, url: \"mqtt://h\", protocol: \"3.1.1\", topic: a/b, format: raw",
                    "type: redis-stream, stream: s, format: raw, \(Self.server)",
                    "type: redis, channel: c, format: \(format), \(Self.server)",
                ],
                routes: "[{ from: [in0], to: [s0] }, { from: [in1], to: [s1] }, { from: [in2], to: [s2] }]")
        }
        let raw = try await check("raw")
        #expect(raw.code == 78)
        #expect(raw.text.contains("a/b returns through the filter a/#"), "\(raw.text)")
        #expect(raw.text.contains("(source in1, then in2, then in0)"), "\(raw.text)")
        #expect(raw.text.contains("(source in0, then in1, then in2)"), "\(raw.text)")
        let json = try await check("json")
        #expect(json.code == 0, "\(json.text)")
    }

    @Test(arguments: [
        (#"type: redis, channels: [c]"#, #"type: redis, channel: c, body: "{{ . }}""#),
        (#"type: redis-stream, stream: c"#, #"type: redis-stream, stream: c, format: raw"#),
        (#"type: redis-stream, stream: c"#, #"type: redis-stream, stream: c, fields: { event: "{{ . }}" }"#),
    ])
    func `a loop that check accepts ends by itself`(source: String, sink: String) async throws {
        let server = try await BrokerProcess.redis()
        let url = "url: \"redis://127.0.0.1:\(server.port)\""
        let bridge = try await BridgeProcess.start(Self.file(["\(source), \(url)"], ["\(sink), \(url)"], "[{ to: [s0] }]"))
        let peer = try await RedisPeer.connect(port: server.port)
        for number in 1...2 {
            if source.contains("stream") {
                try await peer.command("XADD", "c", "*", "data", "message \(number)")
            } else {
                try await peer.command("PUBLISH", "c", "message \(number)")
            }
            // The message, and its event that came back.
            try await eventually("both were read") {
                try await bridge.metric("streambridge_events_received_total", "\"in0\"") == Double(2 * number)
            }
        }
        _ = try await bridge.stop()
        if source.contains("stream") { #expect(try await peer.entries(of: "c").count == 4) }
    }
}
