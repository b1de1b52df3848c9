import BridgeConfiguration
import BridgeCore
import Expressions
import StreamBridge
import Testing

/// Every key that is declared, of every kind that ships: it is known, and it is read.
struct EverySettingTests {
    /// A component with the settings that it cannot do without.
    struct Component: CustomTestStringConvertible {
        let kind: ComponentKind
        let isSource: Bool
        /// Required keys, or those of which one is needed.
        let needed: [String: String]

        var testDescription: String { "\(self.kind) \(self.isSource ? "source" : "sink")" }

        /// Its own keys and the common ones.
        var settings: [SettingDeclaration] {
            let catalog = AdapterCatalog.shipped
            return self.isSource
                ? (catalog.sources[self.kind]?.settings ?? []) + SourceDeclaration.settings.declarations
                : (catalog.sinks[self.kind]?.settings ?? []) + SinkDeclaration.settings.declarations
        }

        /// What is wrong with a file in which the component has further keys.
        func mistakes(_ keys: [String: String]) -> [Diagnostic] {
            do {
                _ = try self.load(keys)
                return []
            } catch {
                return error.diagnostics
            }
        }

        /// The plan of a file in which the component has further keys; `nil` when there is anything wrong with it.
        func plan(_ keys: [String: String]) -> BridgePlan? { try? self.load(keys) }

        /// A file in which the component has further keys.
        func text(_ keys: [String: String]) -> String {
            let own = self.needed.merging(["type": self.kind.rawValue]) { own, _ in own }.merging(keys) { _, new in new }
            let mapping = own.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            return """
                sources: { x: \(self.isSource ? "{ \(mapping) }" : "{ type: webhook, id: a }") }
                sinks: { y: \(self.isSource ? "{ type: file, path: '-' }" : "{ \(mapping) }") }
                routes: [{ to: y }]
                """
        }

        private func load(_ keys: [String: String]) throws(ConfigurationErrors) -> BridgePlan {
            let text = self.text(keys)
            let loader = BridgeLoader(catalog: .shipped, expressions: JQCompiler(), environment: [:], readFile: { _ in "" })
            return try loader.load(text: text, file: "bridges.yaml")
        }
    }

    /// The required keys of each kind; `nil` where there is no source of it.
    private static let needed: [(ComponentKind, source: [String: String]?, sink: [String: String])] = [
        ("home-assistant", nil, ["url": "mqtt://b"]), ("file", ["path": "a"], ["path": "a"]),
        ("mqtt", ["url": "mqtt://b", "subscribe": "a"], ["url": "mqtt://b", "topic": "a"]),
        ("redis", ["url": "redis://h", "channels": "a"], ["url": "redis://h", "channel": "a"]),
        ("redis-stream", ["url": "redis://h", "stream": "a"], ["url": "redis://h", "stream": "a"]),
        ("smtp", nil, ["url": "smtp://h", "from": "a@b", "to": "c@d"]), ("sse", ["url": "http://h"], ["stream": "a"]),
        ("webhook", ["id": "b"], ["url": "http://h"]),
    ]

    static let components = Self.needed.flatMap { kind, source, sink in
        (source.map { [Component(kind: kind, isSource: true, needed: $0)] } ?? [])
            + [Component(kind: kind, isSource: false, needed: sink)]
    }

    @Test func `every kind that ships is checked`() {
        #expect(Set(Self.components.filter(\.isSource).map(\.kind)) == Set(AdapterCatalog.shipped.sources.keys))
        #expect(Set(Self.components.filter { !$0.isSource }.map(\.kind)) == Set(AdapterCatalog.shipped.sinks.keys))
        for component in Self.components { #expect(component.mistakes([:]).isEmpty, "\(component)") }
    }

    @Test(arguments: Self.components)
    func `a declared key is known and read, so a value of another type is refused at its place`(of component: Component) {
        for declaration in component.settings where declaration.name != "type" {
            self.expectRefusal(of: declaration, at: [], component)
        }
    }

    /// - Parameter path: the keys of the mappings around the declared one.
    private func expectRefusal(of declaration: SettingDeclaration, at path: [String], _ component: Component) {
        var value = Self.wrong(declaration.type)
        let keys = path + [declaration.name]
        for key in keys.dropFirst().reversed() { value = "{ \(key): \(value) }" }
        let mistakes = component.mistakes([keys[0]: value])
        let place = "\(component.isSource ? "sources.x" : "sinks.y").\(keys.joined(separator: "."))"
        #expect(mistakes.contains { $0.path.hasPrefix(place) }, "\(place) is not read: \(mistakes)")
        #expect(!mistakes.contains { $0.message.hasPrefix("unknown key '\(declaration.name)'") }, "\(place): \(mistakes)")
        if case .group(let members) = declaration.type {
            for member in members { self.expectRefusal(of: member, at: keys, component) }
        }
    }

    /// A value that no setting of the type can have.
    private static func wrong(_ type: SettingType) -> String {
        switch type {
        case .group, .mapping: "text"
        case .json: "'{{'"
        default: "{ zzz: 1 }"
        }
    }

    @Test(arguments: Self.components)
    func `a secret setting that a peer quotes is not reported`(of component: Component) throws {
        func check(_ declarations: [SettingDeclaration], _ path: [String]) throws {
            for declaration in declarations {
                let keys = path + [declaration.name]
                switch declaration.type {
                case .secret: try self.expectRedaction("'http://u:MARKSECRET@h'", at: keys, component)
                case .mapping(.secret): try self.expectRedaction("{ X-A: 'MARKSECRET' }", at: keys, component)
                default: try check(declaration.type.members, keys)
                }
            }
        }
        try check(component.settings, [])
    }

    private func expectRedaction(_ value: String, at keys: [String], _ component: Component) throws {
        var value = value
        for key in keys.dropFirst().reversed() { value = "{ \(key): \(value) }" }
        // Other keys that some of these settings need.
        let others = [[:], ["user": "ann"], ["url": "redis+sentinel://h/m"]]
        let plan = try #require(others.lazy.compactMap { component.plan($0.merging([keys[0]: value]) { $1 }) }.first, "\(keys)")
        let secrets = component.isSource ? plan.sources.map(\.settings.secrets) : plan.sinks[0].variants.map(\.secrets)
        let quoted = Redaction(secrets).redacted("you sent 'http://u:MARKSECRET@h' and 'MARKSECRET'")
        #expect(!quoted.contains("http://u:MARKSECRET@h"), "\(keys): \(quoted)")
    }

    @Test(arguments: Self.components)
    func `a key that is not declared is refused, and all that are declared are named`(of component: Component) {
        let names = component.settings.map(\.name)
        #expect(Set(names).count == names.count, "two keys have one name")
        let mistakes = component.mistakes(["zzzzzzzz": "1"])
        #expect(mistakes.map(\.message) == ["unknown key 'zzzzzzzz'; there are \(names.sorted().joined(separator: ", "))"])
    }

    @Test(arguments: BridgeLoader.declarations.filter { !$0.type.members.isEmpty || $0.name == "version" })
    func `a declared key of the file is known and read`(declaration: SettingDeclaration) {
        func check(_ declaration: SettingDeclaration, _ around: (String) -> [String: String]) {
            var file = [
                "sources": "{ x: { type: webhook, id: a } }", "sinks": "{ y: { type: file, path: '-' } }",
                "routes": "[{ to: y }]",
            ]
            file.merge(around(Self.wrong(declaration.type))) { _, new in new }
            let text = file.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
            let loader = BridgeLoader(catalog: .shipped, expressions: JQCompiler(), environment: [:], readFile: { _ in "" })
            let error = #expect(throws: ConfigurationErrors.self, "\(text)") {
                try loader.load(text: text, file: "bridges.yaml")
            }
            let messages = error?.diagnostics.map(\.description) ?? []
            #expect(!messages.contains { $0.contains("unknown key '\(declaration.name)'") }, "\(text)\(messages)")
            guard case .group(let members) = declaration.type else { return }
            for member in members { check(member) { around("{ \(member.name): \($0) }") } }
        }
        switch declaration.type {
        case .list(.group(let members)):
            for member in members {
                check(member) { value in
                    let route = ["to": "y"].merging([member.name: value]) { _, new in new }
                    return [declaration.name: "[{ \(route.map { "\($0.key): \($0.value)" }.joined(separator: ", ")) }]"]
                }
            }
        case .mapping: break  // Those of the components are looked at above.
        default: check(declaration) { [declaration.name: $0] }
        }
    }

    @Test(arguments: Self.components)
    func `a declaration describes its key in one sentence`(of component: Component) {
        func check(_ declarations: [SettingDeclaration], _ path: String) {
            for declaration in declarations {
                let summary = declaration.summary
                #expect(summary.first?.isUppercase == true && summary.last != ".", "\(path)\(declaration.name): \(summary)")
                #expect(summary.split(separator: " ").count <= 25, "\(path)\(declaration.name): \(summary)")
                check(declaration.type.members, "\(path)\(declaration.name).")
            }
        }
        check(component.settings, "")
    }
}
