import BridgeConfiguration
import BridgeCore
import Testing

/// `preset:` of sources and sinks.
struct PresetMergerTests {
    private static let presets = [
        Preset(
            "door", .source,
            """
            # Door: a peer of the tests.
            type: fake
            port: 7
            topics: [a, b]
            retry: { initial: 1s, max: 9s }
            normalise:
              cases:
                - match: { subject: a }
                  drop: true
                - set: { tags: door }
            if_given:
              password: { timeout: 5s }
            """),
        Preset("broken", .source, "# Broken: refused.\ntype: fake\nurl: x\nport: no"),
        Preset("bell", .sink, "# Bell: a peer of the tests.\ntype: fake\nhost: bell.example\ntopic: a"),
    ]

    private static func file(_ source: String, sink: String = "type: fake") -> String {
        "sources: { in: { \(source) } }\nsinks: { out: { \(sink) } }\nroutes: [{ to: out }]\n"
    }

    private static func source(_ text: String) throws -> (settings: FakeSource.Configuration, prepared: PreparedSource) {
        let prepared = try load(Self.file(text), presets: Self.presets).sources[0]
        return (try #require(prepared.settings as? FakeSource.Configuration), prepared)
    }

    @Test func `a source has the settings of its preset, and its own override them`() throws {
        let (settings, prepared) = try Self.source("preset: door, url: x, topics: [c], retry: { max: 4s }")
        #expect(settings.url == "x" && settings.port == 7 && settings.topics == ["c"])
        #expect(prepared.retry.initial == .seconds(1) && prepared.retry.maximum == .seconds(4))
        #expect(prepared.registration.kind == "fake")
    }

    @Test func `a list with one preset is that preset`() throws {
        #expect(try Self.source("preset: [door], url: x").settings.port == 7)
    }

    @Test func `null within the value of a key removes what the preset has`() throws {
        #expect(
            try Self.source("preset: door, url: x, retry: { initial: null }").prepared.retry.initial == RetrySettings().initial)
        #expect(try Self.source("preset: door, url: x, retry: { initial: null }").prepared.retry.maximum == .seconds(9))
    }

    @Test func `conditional settings count only beside their key`() throws {
        #expect(try Self.source("preset: door, url: x").settings.timeout == .seconds(1))
        #expect(try Self.source("preset: door, url: x, password: p").settings.timeout == .seconds(5))
        #expect(try Self.source("preset: door, url: x, password: p, timeout: 2s").settings.timeout == .seconds(2))
    }

    @Test func `a sink has the settings of its preset`() throws {
        let plan = try load(Self.file("type: fake, url: x", sink: "preset: bell, topic: b"), presets: Self.presets)
        let sink = try #require(plan.sinks[0].variants[0] as? FakeSink.Configuration)
        #expect(sink.host == "bell.example" && sink.topic?.constant == "b")
    }

    @Test(arguments: [
        (
            "preset: doer, url: x",
            "1:26: error: sources.in.preset: no preset for sources is called 'doer'; did you mean 'door'? (broken, door)"
        ),
        (
            "preset: bell, url: x",
            "1:26: error: sources.in.preset: the preset 'bell' is for sinks; those for sources are broken, door"
        ),
        ("preset: [], url: x", "1:26: error: sources.in.preset: is empty; write the name of a preset, or leave it out"),
        ("preset: { a: b }, url: x", "1:26: error: sources.in.preset: must be text"),
        ("preset: door, url: x, type: mqtt", "1:46: error: sources.in.type: the preset 'door' is for fake; leave 'type' out"),
        ("preset: door, url: x, port: 0", "1:46: error: sources.in.port: 0 is out of range"),
        ("preset: door", "1:16: error: sources.in: 'url' is missing"),
        ("preset: door, url: x, zzz: 1", "1:40: error: sources.in: unknown key 'zzz'"),
    ])
    func `a mistake in the file keeps its place`(source: String, expected: String) {
        let found = mistakes(Self.file(source), presets: Self.presets)
        #expect(found.count == 1 && found[0].hasPrefix("bridges.yaml:\(expected)"), "\(found)")
    }

    @Test func `a mistake in a preset names the preset`() {
        let found = mistakes(Self.file("preset: broken"), presets: Self.presets)
        #expect(found == ["preset broken:4:7: error: sources.in.port: must be a whole number"])
    }

    @Test func `messages name the preset of a case, and number its own cases`() throws {
        let own = "preset: door, url: x, normalise: { cases: [{ match: { subject: b }, drop: true }], title: t }"
        #expect(
            try Self.source(own).prepared.normalise.list[0].reading.names == [
                "cases[1]": "preset door cases[0]", "cases[2]": "preset door cases[1]",
            ])
        #expect(
            try load(Self.file("type: fake, url: x, normalise: { title: t }")).sources[0].normalise.list[0].reading.names.isEmpty)
    }

    @Test func `cases of the file come before those of the preset`() throws {
        let own = "preset: door, url: x, normalise: { cases: [{ match: { subject: b }, set: { priority: zzz } }] }"
        #expect(mistakes(Self.file(own), presets: Self.presets).first?.contains("normalise.cases[0].set.priority") == true)
        let all = "preset: door, url: x, normalise: { cases: [{ set: { title: b } }] }"
        #expect(mistakes(Self.file(all), presets: Self.presets).isEmpty)
    }

    @Test(arguments: Preset.shipped)
    func `each preset has a type and a description of one line`(_ preset: Preset) {
        #expect(preset.kind != nil, "\(preset.name) is not a mapping with a type")
        #expect(preset.text.hasPrefix("# ") && preset.summary.hasSuffix(".") && preset.summary.count <= 100, "\(preset.name)")
        #expect(Preset.shipped.count { $0.name == preset.name && $0.direction == preset.direction } == 1)
    }
}

extension Preset: CustomTestStringConvertible {
    package var testDescription: String { "\(self.name) \(self.direction)" }
}
