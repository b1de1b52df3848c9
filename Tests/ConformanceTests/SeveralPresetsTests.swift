import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import NIOCore
import StreamBridge
import Testing

/// A source with several presets, and presets in the blocks of `normalise`.
struct SeveralPresetsTests {
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)
    private static let loader = BridgeLoader(
        catalog: .shipped, expressions: Self.compiler, environment: [:], readFile: { _ in "" })

    private static func file(_ source: String) -> String {
        "sources:\n  in:\n\(source.split(separator: "\n").map { "    \($0)\n" }.joined())sinks: { out: { type: file, path: '-' } }\nroutes: [{ to: out }]\n"
    }

    private static func source(_ text: String) throws -> PreparedSource {
        let plan = try self.loader.load(text: self.file(text), file: "bridges.yaml")
        #expect(plan.warnings.isEmpty, "\(plan.warnings)")
        return plan.sources[0]
    }

    private static func mistakes(_ text: String) -> [String] {
        do {
            _ = try self.loader.load(text: self.file(text), file: "bridges.yaml")
            return []
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    /// The tags that a source gives a message.
    private static func tags(_ source: PreparedSource, _ subject: String, _ body: String) -> [String] {
        Normaliser(source: "in", blocks: source.normalise, bridge: "b").event(
            from: ReceivedMessage(subject: subject, body: ByteBuffer(string: body)), now: Timestamp(milliseconds: 0)
        ).event.tags
    }

    @Test func `each preset reads the messages of its own topics`() throws {
        let source = try Self.source("preset: [zigbee2mqtt, tasmota]\nurl: mqtt://h")
        #expect(source.registration.kind == "mqtt")
        let topics = source.settings.readPlaces.flatMap { place -> [String] in
            if case .matching(let pattern) = place.names { [pattern.text] } else { [] }
        }
        #expect(Set(topics) == ["zigbee2mqtt/#", "tele/#", "stat/#"])
        #expect(Self.tags(source, "zigbee2mqtt/lamp", #"{"state":"ON"}"#) == ["zigbee2mqtt", "lamp"])
        #expect(Self.tags(source, "tele/pump/LWT", "Offline") == ["tasmota", "lwt", "offline"])
        #expect(source.normalise.list.map(\.name) == ["preset zigbee2mqtt", "preset tasmota"])
        #expect(source.normalise.ownParts.isEmpty)
    }

    @Test func `blocks of the file come first`() throws {
        let source = try Self.source(
            """
            preset: [zigbee2mqtt, tasmota]
            url: mqtt://h
            normalise:
              - match: { subject: tele/pump/# }
                preset: tasmota
                cases: [{ match: { subject: tele/pump/LWT }, set: { tags: [pump] } }]
            """)
        #expect(Self.tags(source, "tele/pump/LWT", "Offline") == ["pump"])
        #expect(Self.tags(source, "tele/pump/STATE", #"{"POWER":"ON"}"#) == ["tasmota", "state"])
        #expect(Self.tags(source, "tele/lamp/LWT", "Offline") == ["tasmota", "lwt", "offline"])
        #expect(source.normalise.ownParts == ["normalise[0]", "normalise[0].cases[0]"])
    }

    @Test(arguments: [
        ("- { match: { subject: tele/pump/# }, title: Pump }", ["normalise[0]", "preset tasmota"]),
        ("- { match: { subject: tele/pump/# }, title: Pump }\n  - { title: Other }", ["normalise[0]", "normalise[1]"]),
    ])
    func `the rules of one preset come behind the blocks of the file, unless these read every message`(
        blocks: String, names: [String]
    ) throws {
        let source = try Self.source("preset: tasmota\nurl: mqtt://h\nnormalise:\n  \(blocks)")
        #expect(source.normalise.list.map(\.name) == names)
        #expect(Self.tags(source, "tele/lamp/LWT", "Offline").contains("tasmota") == (names[1] == "preset tasmota"))
    }

    @Test func `blocks take the rules of presets, and the source says what it reads`() throws {
        let source = try Self.source(
            """
            type: mqtt
            url: mqtt://h
            subscribe: ["home/#", "tele/#"]
            normalise:
              - { match: { subject: "home/zigbee/#" }, preset: zigbee2mqtt }
              - preset: tasmota
            """)
        #expect(Self.tags(source, "home/zigbee/lamp", #"{"state":"ON"}"#).first == "zigbee2mqtt")
        #expect(Self.tags(source, "tele/pump/LWT", "Offline") == ["tasmota", "lwt", "offline"])
        #expect(Self.tags(source, "home/other", "x").isEmpty)
    }

    @Test func `a webhook distinguishes its senders by their headers`() throws {
        let source = try Self.source(
            """
            type: webhook
            id: code
            normalise:
              - { match: { attributes.x-github-event: { exists: true } }, preset: github }
              - { match: { attributes.x-gitlab-event: { exists: true } }, preset: gitlab }
            """)
        let body = ByteBuffer(string: #"{"action":"opened","issue":{"title":"Lamp"},"repository":{"full_name":"a/b"}}"#)
        let normaliser = Normaliser(source: "in", blocks: source.normalise, bridge: "b")
        func tags(_ header: String) -> [String] {
            normaliser.event(
                from: ReceivedMessage(
                    subject: "code", body: body, contentType: "application/json", attributes: Attributes([(header, "issues")])),
                now: Timestamp(milliseconds: 0)
            ).event.tags
        }
        #expect(tags("x-github-event").contains("github"))
        #expect(!tags("x-other").contains("github"))
    }

    @Test(arguments: [
        (
            "preset: [zigbee2mqtt, github]\nurl: mqtt://h",
            "3:27: error: sources.in.preset[1]: the preset 'github' is for webhook, and 'zigbee2mqtt' for mqtt; write a source for each"
        ),
        (
            "preset: [github, gitlab]",
            "3:14: error: sources.in.preset[0]: the preset 'github' has no topics that distinguish its messages from those of others; "
                + "write a source for it, or a block of normalise: with match: and this preset:"
        ),
        (
            "preset: [tasmota, tasmota]\nurl: mqtt://h", "3:23: error: sources.in.preset[1]: is in the list twice; leave one out"
        ),
        (
            "preset: [tasmota, zigbee2mqt]\nurl: mqtt://h",
            "3:23: error: sources.in.preset[1]: no preset for sources is called 'zigbee2mqt'; did you mean 'zigbee2mqtt'?"
        ),
        (
            "preset: [zigbee2mqtt, tasmota]\nurl: mqtt://h\nsubscribe: home/#",
            "5:16: error: sources.in.subscribe: replaces the topics by which several presets know their messages; leave it out, "
                + "or leave the presets out and write normalise: as a list of blocks with match: and preset:"
        ),
        (
            "preset: [zigbee2mqtt, tasmota]\nurl: mqtt://h\nnormalise: { cases: [{ set: { title: x } }] }",
            "5:16: error: sources.in.normalise: must be a list of blocks beside several presets, of which the first that matches "
                + "reads a message; write '- ' before it, and match: for its messages"
        ),
        (
            "preset: [zigbee2mqtt, tasmota]\nurl: mqtt://h\ntype: sse",
            "5:11: error: sources.in.type: the preset 'zigbee2mqtt' is for mqtt; leave 'type' out"
        ),
        (
            "type: mqtt\nurl: mqtt://h\nsubscribe: a\nnormalise: [{ preset: github }]",
            "6:27: error: sources.in.normalise[0].preset: the preset 'github' is for webhook, and this source is of the type mqtt; "
                + "leave it out"
        ),
        (
            "type: mqtt\nurl: mqtt://h\nsubscribe: a\nnormalise: [{ title: t }, { match: { subject: a }, title: u }]",
            "6:31: error: sources.in.normalise[1]: is never reached, because the block before it matches every message; add match: "
                + "there, or move it to the end"
        ),
    ])
    func `what cannot work is refused with the remedy`(source: String, message: String) {
        let found = Self.mistakes(source)
        #expect(found.first?.hasPrefix("bridges.yaml:\(message)") == true, "\(found)")
    }

    @Test(arguments: [
        (
            "subscribe: [{ topic: a/#, qos: 0 }]", "subscribe: [{ topic: a/#, qos: 1 }]",
            "the presets 'one' and 'two' want different settings of the topic 'a/#'; leave the presets out and write subscribe: with "
                + "it, and normalise: as a list of blocks with preset:"
        ),
        (
            "subscribe: a/#\nkeep_alive: 10s", "subscribe: b/#\nkeep_alive: 20s",
            "the presets 'one' and 'two' want different values of 'keep_alive'; write keep_alive: in the source"
        ),
        ("subscribe: a/#\nkeep_alive: 10s", "subscribe: [a/#, b/#]\nkeep_alive: 10s", nil),
    ])
    func `presets that want different things are a conflict, which the file can settle`(
        one: String, two: String, message: String?
    ) throws {
        let presets = [
            Preset("one", .source, "# One.\ntype: mqtt\n\(one)"), Preset("two", .source, "# Two.\ntype: mqtt\n\(two)"),
        ]
        let loader = BridgeLoader(
            catalog: .shipped, expressions: Self.compiler, environment: [:], presets: presets, readFile: { _ in "" })
        func found(_ more: String) -> [String] {
            do {
                _ = try loader.load(text: Self.file("preset: [one, two]\nurl: mqtt://h\(more)"), file: "bridges.yaml")
                return []
            } catch {
                return error.diagnostics.map(\.description)
            }
        }
        #expect(found("") == (message.map { ["bridges.yaml:3:13: error: sources.in.preset: \($0)"] } ?? []))
        if message?.contains("keep_alive") != false { #expect(found("\nkeep_alive: 5s").isEmpty) }
    }

    @Test func `the effective file of several presets loads to the same`() throws {
        let text = Self.file(
            "preset: [zigbee2mqtt, tasmota]\nurl: mqtt://h\nnormalise: [{ match: { subject: tele/x }, title: X }]")
        let rendered = try Self.loader.render(text: text, file: "bridges.yaml", showsDefaults: false)
        #expect(rendered.contains("normalise:\n      - match:\n          subject: tele/x\n"), "\(rendered)")
        let again = try Self.loader.render(text: rendered, file: "bridges.yaml", showsDefaults: false)
        #expect(again == rendered)
    }
}
