import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import FoundationEssentials
import StreamBridge
import Testing

/// The schema accepts what the program accepts, and refuses what has another structure.
@Suite(.timeLimit(.minutes(3)))
struct SchemaTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: "\(self.root)/\(path)"), encoding: .utf8)
    }

    /// What the program says to a text; every variable of the environment has a value.
    private static func mistakes(_ text: String) -> [Diagnostic] {
        var environment: [String: String] = [:]
        for part in text.split(separator: "${env:").dropFirst() {
            let name = part.prefix { $0 != "}" && $0 != ":" }
            if part[name.endIndex...].first == "}" { environment[String(name)] = "https://example.test/\(name)" }
        }
        let loader = BridgeLoader(
            catalog: .shipped, expressions: self.compiler, environment: environment, readFile: { _ in "secret\n" })
        do {
            _ = try loader.load(text: text, file: "bridges.yaml")
            return []
        } catch {
            return error.diagnostics
        }
    }

    @Test func `every shipped file, example of a preset and block of a page is valid`() throws {
        var documents = try ["bridges.yaml", "deploy/second.yaml", "deploy/starter.yaml"].map {
            SchemaValidator.Document(name: $0, text: try Self.text($0))
        }
        documents += Preset.shipped.map { SchemaValidator.Document(name: "preset \($0.name)", text: $0.example) }
        var pages = ["README.md"]
        let folders =
            ["BridgeCore/Documentation.docc"]
            + ["File", "MQTT", "Redis", "SMTP", "SSE", "Webhook"].map { "Adapters/\($0)/Documentation.docc" }
        for folder in folders.map({ "Sources/\($0)" }) {
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/\(folder)")
            pages += names.filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
        }
        for page in pages {
            let blocks = try Self.text(page).split(separator: "```yaml\n", omittingEmptySubsequences: false).dropFirst()
            for (number, rest) in blocks.enumerated() {
                let text = String(rest.prefix(upTo: rest.firstRange(of: "```")?.lowerBound ?? rest.endIndex))
                // Other programs have YAML too.
                guard Self.mistakes(text).allSatisfy({ $0.rule == .missing && $0.path.isEmpty }) else { continue }
                documents.append(.init(name: "\(page) block \(number + 1)", text: text, isPart: true))
            }
        }
        #expect(documents.count > 100)
        for (document, mistakes) in zip(documents, try SchemaValidator.mistakes(in: documents, checksSchema: true)) {
            #expect(mistakes == [], "\(document.name)")
        }
    }

    @Test func `a file in the tests that the program accepts is valid`() throws {
        var documents: [SchemaValidator.Document] = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: "\(Self.root)/Tests") where path.hasSuffix(".swift") {
            for (number, text) in try Self.text("Tests/\(path)").split(separator: "\"\"\"\n").enumerated() {
                guard text.contains("sources:"), text.contains("routes:"), !text.contains("\\") else { continue }
                let document = Self.unindented(text)
                if Self.mistakes(document).isEmpty { documents.append(.init(name: "\(path) \(number)", text: document)) }
            }
        }
        #expect(documents.count > 20)
        for (document, mistakes) in zip(documents, try SchemaValidator.mistakes(in: documents)) {
            #expect(mistakes == [], "\(document.name)\n\(document.text)")
        }
    }

    /// The lines of a literal without the indentation of the source around it.
    private static func unindented(_ text: Substring) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let indentation = lines.filter { $0.contains { $0 != " " } }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { $0.dropFirst(indentation) }.joined(separator: "\n")
    }

    /// Files with one mistake of structure, each with the key that the program names.
    static let wrong: [(text: String, path: String)] = [
        ("sourcs: { a: { type: webhook, id: a } }", ""),
        ("sources: []", "sources"), ("sources: { a: webhook }", "sources.a"), ("sources: {}", "sources"),
        ("sources: { a: { id: a } }", "sources.a"), ("sources: { a: { type: websocket } }", "sources.a.type"),
        ("sources: { a b: { type: webhook, id: a } }", "sources.a b"),
        ("sources: { a: { type: webhook, id: a, tokn: x } }", "sources.a"),
        ("sources: { a: { type: webhook, id: [a] } }", "sources.a.id"),
        ("sources: { a: { type: webhook, id: a, max_body: lots } }", "sources.a.max_body"),
        ("sources: { a: { type: webhook, id: a, timeout: 30 } }", "sources.a.timeout"),
        ("sources: { a: { type: webhook, id: a, timeout: 5 min } }", "sources.a.timeout"),
        ("sources: { a: { type: webhook, id: a, ack: later } }", "sources.a.ack"),
        ("sources: { a: { type: webhook, id: a, required: maybe } }", "sources.a.required"),
        ("sources: { a: { type: mqtt, subscribe: a } }", "sources.a"),
        ("sources: { a: { type: mqtt, url: mqtt://h, subscribe: [{ topic: a, qos: many }] } }", "sources.a.subscribe[0].qos"),
        ("sources: { a: { type: mqtt, url: mqtt://h, subscribe: [{ qos: 1 }] } }", "sources.a.subscribe[0]"),
        ("sources: { a: { type: mqtt, url: mqtt://h, subscribe: a, tls: { ca: x } } }", "sources.a.tls"),
        ("sources: { a: { type: mqtt, url: mqtt://h, subscribe: a, tls: x } }", "sources.a.tls"),
        ("sources: { a: { preset: zigbee } }", "sources.a.preset"),
        ("sources: { a: { preset: github, colour: red } }", "sources.a"),
        ("sources: { a: { preset: [], url: 'mqtt://h' } }", "sources.a.preset"),
        ("sources: { a: { preset: [tasmota, zigbee], url: 'mqtt://h' } }", "sources.a.preset[1]"),
        ("sources: { a: { preset: [tasmota, shelly], url: 'mqtt://h', colour: red } }", "sources.a"),
        ("sources: { a: { type: webhook, id: a, normalise: [] } }", "sources.a.normalise"),
        ("sources: { a: { type: webhook, id: a, normalise: [{ titel: x }] } }", "sources.a.normalise[0]"),
        ("sources: { a: { type: webhook, id: a, normalise: [{ match: { topic: a } }] } }", "sources.a.normalise[0].match.topic"),
        ("sources: { a: { type: webhook, id: a, normalise: { cases: [{ sett: {} }] } } }", "sources.a.normalise.cases[0]"),
        (
            "sources: { a: { type: webhook, id: a, normalise: { cases: [{ set: { title: { frm: .x } } }] } } }",
            "sources.a.normalise.cases[0].set.title"
        ),
        ("sources: { a: { type: webhook, id: a, token: x, user: u, password: p } }", "sources.a"),
        ("sinks: { s: { type: sse } }", "sinks.s"),
        ("sinks: { s: { type: sse, stream: a, buffer: { events: many } } }", "sinks.s.buffer.events"),
        ("sinks: { s: { type: sse, stream: a, retry: { factor: [] } } }", "sinks.s.retry.factor"),
        ("sinks: { s: { type: webhook, url: http://h, headers: [a] } }", "sinks.s.headers"),
        ("sinks: { s: { type: webhook, url: http://h, json: { a: { from: .title, lmit: 3 } } } }", "sinks.s.json.a"),
        ("routes: { to: s }", "routes"), ("routes: [{ from: a }]", "routes[0]"), ("routes: [{ to: s, matsch: {} }]", "routes[0]"),
        ("routes: [{ to: s, match: { topic: a } }]", "routes[0].match.topic"),
        ("routes: [{ to: s, match: { priority: { above: 3 } } }]", "routes[0].match.priority"),
        ("routes: [{ to: s, match: { any: { tags: a } } }]", "routes[0].match.any"),
        ("routes: [{ to: [{ sink: s, wiht: {} }] }]", "routes[0].to[0]"),
        ("routes: [{ to: [{ sink: s, with: { colour: red } }] }]", "routes[0].to[0].with.colour"),
        ("routes: [{ to: s, throttle: { max: 3 } }]", "routes[0].throttle"),
        ("routes: [{ to: s, digest: 5m }]", "routes[0].digest"), ("routes: [{ to: s, stop: perhaps }]", "routes[0].stop"),
        ("http: { listen: [a] }", "http.listen"), ("http: { limits: { buffered: x } }", "http.limits.buffered"),
        ("http: { access: { tokens: { token: a } } }", "http.access.tokens"),
        ("log: { kind: postgres }", "log.kind"), ("log: { kind: memory, sise: 1 }", "log"),
        ("service: { drain: soon }", "service.drain"), ("service: { log: { level: loud } }", "service.log.level"),
        ("defaults: { event: { title: long } }", "defaults.event.title"), ("defaults: { sinks: {} }", "defaults"),
        ("version: 2", "version"),
    ]

    /// A correct file in which one part is replaced.
    private static func file(with part: String) -> String {
        var parts = [
            "sources": "sources: { a: { type: webhook, id: a } }", "sinks": "sinks: { s: { type: sse, stream: a } }",
            "routes": "routes: [{ to: s }]",
        ]
        let name = String(part.prefix { $0 != ":" })
        parts[name == "sourcs" ? "sources" : name] = part
        return parts.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n") + "\n"
    }

    @Test func `a mistake of structure is refused by both`() throws {
        let texts = Self.wrong.map { Self.file(with: $0.text) }
        let found = try SchemaValidator.mistakes(in: texts.map { .init(name: "", text: $0) })
        for ((wrong, text), mistakes) in zip(zip(Self.wrong, texts), found) {
            #expect(!mistakes.isEmpty, "the schema accepts \(wrong.text)")
            let own = Self.mistakes(text)
            #expect(own.contains { $0.path.hasPrefix(wrong.path) }, "the program says \(own) to \(wrong.text)")
        }
    }

    @Test(arguments: EverySettingTests.components)
    func `a value of any shape is judged alike by both`(of component: EverySettingTests.Component) throws {
        var documents: [SchemaValidator.Document] = []
        var own: [[Diagnostic]] = []
        let part = component.isSource ? "sources.x" : "sinks.y"
        for (keys, value) in component.settings.flatMap({ Self.probes(of: $0, at: []) }) {
            var value = value
            for key in keys.dropFirst().reversed() { value = "{ \(key): \(value) }" }
            let text = component.text([keys[0]: value])
            documents.append(.init(name: "\(part).\(keys.joined(separator: ".")): \(value)", text: text))
            own.append(Self.mistakes(text))
        }
        for ((document, own), found) in zip(zip(documents, own), try SchemaValidator.mistakes(in: documents)) {
            if own.isEmpty { #expect(found == [], "\(document.name) is accepted by the program") }
            // What a reference stands for is not in the schema.
            if own.contains(where: Self.isStructural), !document.name.contains("${") {
                #expect(found != [], "\(document.name): \(own)")
            }
        }
    }

    /// Values of every shape for a key and for those of the mapping that is its value.
    private static func probes(of declaration: SettingDeclaration, at path: [String]) -> [(keys: [String], value: String)] {
        guard declaration.name != "type", declaration.name != "preset" else { return [] }
        let keys = path + [declaration.name]
        let values = [
            "true", "7", "1.5", "text", "'{{ .title }}'", "30s", "64KiB", "[]", "[text]", "[7]", "[true]", "[[text]]",
            "[{ zzz: 1 }]", "{}",
            "{ zzz: 1 }", "{ zzz: text }", "{ zzz: [1] }", "'${env:X:-7}'", "", declaration.example,
        ]
        // A key without a value counts as left out, which conditions between keys of a schema cannot say.
        let isFree = declaration.needed.isEmpty && declaration.excluded.isEmpty
        var probes = values.filter { isFree || !$0.isEmpty }.map { (keys: keys, value: $0) }
        if case .group(let members) = declaration.type { for member in members { probes += self.probes(of: member, at: keys) } }
        return probes
    }

    /// Whether a mistake is one of the shape of a value or of a name.
    private static func isStructural(_ mistake: Diagnostic) -> Bool {
        let shapes = [
            "must be text", "must be a list", "must be a mapping", "must be a whole number", "must be a number",
            "must be true or false",
        ]
        // A tag in quotes differs from a number only in the notation.
        guard !mistake.message.hasPrefix("must be text; write it in quotes") else { return false }
        return mistake.rule == .unknownKey || shapes.contains { mistake.message.hasPrefix($0) }
    }

    @Test(arguments: EverySettingTests.components)
    func `the example of a key is a value that the program takes`(of component: EverySettingTests.Component) throws {
        func check(_ declaration: SettingDeclaration, at path: [String]) {
            guard declaration.name != "type", declaration.name != "preset" else { return }
            let keys = path + [declaration.name]
            var value = declaration.example
            for key in keys.dropFirst().reversed() { value = "{ \(key): \(value) }" }
            let place = "\(component.isSource ? "sources.x" : "sinks.y").\(keys.joined(separator: "."))"
            // What a key needs beside it is not what is wrong with its example.
            let mistakes = component.mistakes([keys[0]: value]).filter { mistake in
                let refusals = ["must ", "is not ", "invalid ", "out of range", "not one of", "unknown key", "in '{{"]
                return mistake.path.hasPrefix(place) && refusals.contains { mistake.message.contains($0) }
                    && mistake.rule != .reference
            }
            #expect(mistakes == [], "\(place): \(declaration.example)")
            if case .group(let members) = declaration.type { for member in members { check(member, at: keys) } }
        }
        for declaration in component.settings { check(declaration, at: []) }
    }

    @Test(arguments: ReferencePage.names)
    func `a page of the reference is what the declarations say`(name: String) throws {
        let file = "Sources/BridgeCore/Documentation.docc/\(ReferencePage.file(of: name))"
        let page = ReferencePage(catalog: .shipped).text(of: name)
        #expect(
            try Self.text(file) == page,
            "\(file) is stale; write it with: .build/debug/streambridge schema --reference \(name) > \(file)")
    }
}
