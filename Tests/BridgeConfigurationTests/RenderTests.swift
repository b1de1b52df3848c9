import BridgeConfiguration
import BridgeCore
import Testing

/// The file as the program understands it.
struct RenderTests {
    private static let text = """
        x-base: &base { url: "${env:HOST}", port: 5 }
        sources:
          in: { <<: *base, type: fake, password: "${env:PASSWORD}", topics: [a, "7", 'b: c'] }
        sinks: { out: { type: fake, topic: "$${x} {{ $subject }} $$HOME" } }
        routes:
          - { name: 'on', to: [out, { sink: out, with: { topic: 1 } }], match: { tags: { any: [x, y] } } }
        """

    private static func render(_ text: String = Self.text, presets: [Preset] = [], showsDefaults: Bool = false) throws -> String {
        try loader(environment: ["HOST": "here", "PASSWORD": "hunter2"], presets: presets)
            .render(text: text, file: "bridges.yaml", showsDefaults: showsDefaults)
    }

    @Test func `references and merge keys are resolved, and secrets are hidden`() throws {
        #expect(
            try Self.render() == """
                sources:
                  in:
                    type: fake
                    password: '<hidden>'
                    topics: [a, '7', 'b: c']
                    url: here
                    port: 5
                sinks:
                  out:
                    type: fake
                    topic: '$${x} {{ $subject }} $$HOME'
                routes:
                  - name: 'on'
                    to:
                      - out
                      - sink: out
                        with:
                          topic: 1
                    match:
                      tags:
                        any: [x, y]

                """)
    }

    @Test(arguments: [
        ("mqtt://ann:a@h:1883/x", "'mqtt://ann:***@h:1883/x'"), ("http://h/a:b@c", "'http://h/a:b@c'"),
        ("redis://:p@h", "'redis://:***@h'"),
    ])
    func `a short password in a URL is hidden`(url: String, shown: String) throws {
        let text = "sources: { in: { type: fake, url: '\(url)' } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"
        #expect(try Self.render(text).contains("    url: \(shown)\n"))
    }

    @Test func `a preset is merged`() throws {
        let preset = Preset("shop", .source, "# A shop.\ntype: fake\nurl: shop\nport: 9\n")
        let text = "sources: { in: { preset: shop, port: 8 } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"
        #expect(
            try Self.render(text, presets: [preset]).hasPrefix("sources:\n  in:\n    port: 8\n    type: fake\n    url: shop\n"))
    }

    @Test func `defaults are values, or comments where something else decides`() throws {
        let text = try Self.render(showsDefaults: true)
        for line in [
            "    timeout: 1s\n", "    host: localhost\n", "    required: true\n",
            "    # ack: delivered; logged with a log on disk\n",
            "    stop: false\n", "version: 1\n", "  drain: 30s\n", "  listen: '127.0.0.1:8080'\n", "  kind: memory\n",
        ] { #expect(text.contains(line), "\(line) in \(text)") }
        #expect(!text.contains("    port: 1\n"), "a key of the file keeps its value")
        #expect(try Self.render(text, showsDefaults: true) == text, "the output loads again, and stays as it is")
    }

    @Test func `the output loads again with the same meaning`() throws {
        let first = try Self.render()
        #expect(try Self.render(first) == first)
    }

    @Test(arguments: [
        "plain", "a b", "yes", "No", "null", "~", "7", "1.5", "0x1F", "-", "- a", "a: b", "a #b", "'", "\"", "it's", "{a}", "[a]",
        "*a", "&a", "!a", "%a", "@a",
        "", " ", " a ", "a\nb", "\t", "\u{1}", "\u{7F}", "\u{85}", "\u{2028}", "\u{FEFF}", "😀", "---", "...", "?", "? a", ":",
        "a:", "=", "<<", "$", "$$", "${", "$A",
        "$${a}", "$$$", "$$A", "1_000", "12:30", "2026-01-01", "true\\n", "|", ">",
    ])
    func `any text is written so that it reads the same`(value: String) throws {
        let written = FlowText.scalar(value.replacing("$", with: "$$"))
        let text =
            "sources: { in: { type: fake, url: x, topics: [\(written)] } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"
        func topics(_ text: String) throws -> [String] {
            try #require(try load(text).sources[0].settings as? FakeSource.Configuration).topics
        }
        #expect(try topics(text) == [value])
        #expect(try topics(try Self.render(text)) == [value])
    }
}
