package import BridgeCore

/// The JSON Schema of a configuration file, made of the declarations that the loader reads.
///
/// Draft 7, because the language server for YAML, which most editors use, supports nothing later. Every kind of source
/// and sink has a definition of its own, selected by `type` or by the preset, so that an editor offers the right keys.
package struct FileSchema {
    private let catalog: AdapterCatalog
    private let presets: [Preset]

    /// - Parameters:
    ///   - catalog: the kinds of sources and sinks.
    ///   - presets: what `preset:` may name.
    package init(catalog: AdapterCatalog, presets: [Preset] = Preset.shipped) {
        self.catalog = catalog
        self.presets = presets
    }

    /// The schema.
    package var root: JSONTree {
        let file = SettingType.mapping(
            of: BridgeLoader.declarations, required: false,
            replacing: [
                "sources": self.named(.source), "sinks": self.named(.sink), "routes": Self.routes,
                ConnectionMerger.key: Self.connections,
            ])
        let needed = BridgeLoader.declarations.filter { $0.presence == .required }.map(\.name)
        return JSONTree.object([
            .init(name: "$schema", value: "http://json-schema.org/draft-07/schema#"),
            .init(name: "title", value: "streambridge"),
            .init(name: "description", value: "Configuration of streambridge: sources, sinks, and the routes between them."),
        ]).adding(Self.members(file)).adding([
            ("patternProperties", ["^x-": ["description": "Free for the author of the file, such as anchors for the rest."]]),
            // What is missing may be in another file.
            ("if", ["not": ["required": .texts([Inclusion.key])]]),
            (
                "then",
                ["required": .texts(needed), "anyOf": [["required": ["sinks"]], ["required": ["home_assistant"]]]]
            ),
            ("definitions", .object(self.definitions)),
        ])
    }

    /// Components by name.
    private func named(_ form: DeclaredForm) -> JSONTree {
        let summary = BridgeLoader.declarations.first { $0.name == "\(form.rawValue)s" }?.summary ?? ""
        return [
            "description": "\(summary).", "type": "object", "minProperties": 1,
            "propertyNames": ["pattern": "^[A-Za-z0-9._-]+$"], "additionalProperties": .reference(to: form.rawValue),
        ]
    }

    /// Their keys are those of the components that name them.
    private static var connections: JSONTree {
        let summary = BridgeLoader.declarations.first { $0.name == ConnectionMerger.key }?.summary ?? ""
        return [
            "description": "\(summary).", "type": ["object", "null"],
            "additionalProperties": [
                "type": "object", "not": ["anyOf": [["required": ["preset"]], ["required": ["connection"]]]],
            ],
        ]
    }

    private static var routes: JSONTree {
        [
            "description": "Routes from sources to sinks; every route that matches runs.", "type": "array", "minItems": 1,
            "items": SettingType.mapping(of: BridgeLoader.route),
        ]
    }

    private static func members(_ node: JSONTree) -> [(String, JSONTree)] {
        guard case .object(let members) = node else { return [] }
        return members.map { ($0.name, $0.value) }
    }

    private var definitions: [JSONTree.Member] {
        let sources = self.catalog.sources.values.sorted { $0.kind.rawValue < $1.kind.rawValue }
        let sinks = self.catalog.sinks.values.sorted { $0.kind.rawValue < $1.kind.rawValue }
        var definitions = SchemaForms.definitions
        func add(_ name: String, _ value: JSONTree) { definitions.append(.init(name: name, value: value)) }
        func components(_ direction: Preset.Direction, _ kinds: [ComponentKind], _ common: [SettingDeclaration]) {
            let noun = direction.rawValue
            add(noun, self.choice(direction, kinds))
            for declaration in common where !declaration.type.members.isEmpty {
                add(
                    "\(noun)-\(declaration.name)",
                    declaration.name == "normalise" ? Self.normalise(declaration) : declaration.schema)
            }
            add("\(noun)-type", self.type(kinds, direction))
            add("\(noun)-preset", self.preset(direction))
        }
        components(.source, sources.map(\.kind), SourceDeclaration.settings.declarations)
        for source in sources {
            add("source-\(source.kind)", self.component("source", source.settings, SourceDeclaration.settings.declarations))
        }
        components(.sink, sinks.map(\.kind), SinkDeclaration.settings.declarations)
        for sink in sinks {
            var replaced: [String: JSONTree] = [:]
            if !sink.retrySettings.isEmpty { replaced["retry"] = Self.retry(sink.retrySettings) }
            add(
                "sink-\(sink.kind)",
                self.component("sink", sink.settings, SinkDeclaration.settings.declarations, replacing: replaced))
        }
        if let block = self.catalog.sinks["home-assistant"] {
            add(DeclaredForm.homeAssistant.rawValue, Self.homeAssistant(block))
        }
        add(DeclaredForm.overrides.rawValue, Self.overrides(sinks))
        return definitions
    }

    /// A component: a mapping whose `type` or `preset` selects the definition of its kind.
    private func choice(_ direction: Preset.Direction, _ kinds: [ComponentKind]) -> JSONTree {
        let noun = direction.rawValue
        let cases = kinds.map { kind -> JSONTree in
            let presets = self.presets.filter { $0.direction == direction && $0.kind == kind }.map(\.name).sorted()
            let isKind: JSONTree = ["properties": ["type": ["const": .text(kind.rawValue)]], "required": ["type"]]
            let named: JSONTree = ["enum": .texts(presets)]
            let isNamed: JSONTree = direction == .sink ? named : ["anyOf": [named, ["type": "array", "contains": named]]]
            let hasPreset: JSONTree = ["properties": ["preset": isNamed], "required": ["preset"]]
            return [
                "if": ["anyOf": presets.isEmpty ? [isKind] : [isKind, hasPreset]], "then": .reference(to: "\(noun)-\(kind)"),
            ]
        }
        return [
            "type": "object",
            "properties": ["type": .reference(to: "\(noun)-type"), "preset": Self.named(noun)],
            "anyOf": [["required": ["type"]], ["required": ["preset"]], ["required": ["connection"]]],
            "allOf": .array(cases),
        ]
    }

    /// A preset; of a source, also several.
    private static func named(_ noun: String) -> JSONTree {
        let one = JSONTree.reference(to: "\(noun)-preset")
        guard noun == Preset.Direction.source.rawValue else { return one }
        return ["if": ["type": "array"], "then": ["minItems": 1, "uniqueItems": true, "items": one], "else": one]
    }

    /// A mapping, or a list of blocks with the keys of one: validators then name the mistake and not the choice.
    private static func normalise(_ declaration: SettingDeclaration) -> JSONTree {
        let block = SettingType.mapping(
            of: NormaliseBlock.settings.declarations, replacing: ["preset": .reference(to: "source-preset")])
        let list: JSONTree = ["minItems": 1, "items": block]
        return [
            "description": .text(declaration.description), "if": ["type": "array"], "then": list,
            "else": SettingType.mapping(of: NormaliseSettings.settings.declarations, acceptsNothing: true),
        ]
    }

    private func type(_ kinds: [ComponentKind], _ direction: Preset.Direction) -> JSONTree {
        SettingType.words([("type", "string"), ("enum", .texts(kinds.map(\.rawValue)))]).adding([
            ("description", "Kind of the \(direction.rawValue); that of the preset by default.")
        ])
    }

    private func preset(_ direction: Preset.Direction) -> JSONTree {
        let names = self.presets.names(direction)
        let summaries = names.map { name in
            self.presets.first { $0.name == name && $0.direction == direction }?.summary ?? ""
        }
        return SettingType.words(
            [("type", "string"), ("enum", .texts(names)), ("enumDescriptions", .texts(summaries))], true
        ).adding([("description", "Settings for a well-known peer, which the other keys override.")])
    }

    /// The keys of one kind and the common ones; what must be there is required without a preset or a connection,
    /// which may have it.
    private func component(
        _ noun: String, _ own: [SettingDeclaration], _ common: [SettingDeclaration],
        replacing replaced: [String: JSONTree] = [:]
    ) -> JSONTree {
        var properties: [String: JSONTree] = [:]
        for declaration in common where !declaration.type.members.isEmpty {
            properties[declaration.name] = .reference(to: "\(noun)-\(declaration.name)")
        }
        properties["type"] = .reference(to: "\(noun)-type")
        properties["preset"] = Self.named(noun)
        properties.merge(replaced) { $1 }
        let members = common.prefix(3) + own + common.dropFirst(3)
        let needed = own.filter { $0.presence == .required }.map(\.name)
        let schema = SettingType.mapping(of: Array(members), required: false, replacing: properties)
        let dependencies = own.filter { !$0.needed.isEmpty }.map { JSONTree.Member(name: $0.name, value: .texts($0.needed)) }
        guard !needed.isEmpty || !dependencies.isEmpty else { return schema }
        var without: [(String, JSONTree)] = []
        if !needed.isEmpty { without.append(("required", .texts(needed))) }
        if !dependencies.isEmpty { without.append(("dependencies", .object(dependencies))) }
        return schema.adding([
            ("if", ["not": ["anyOf": [["required": ["preset"]], ["required": ["connection"]]]]]),
            ("then", JSONTree.object([]).adding(without)),
        ])
    }

    private static func retry(_ own: [SettingDeclaration]) -> JSONTree {
        let common = SinkDeclaration.settings.declarations.first { $0.name == "retry" }
        let members = (common?.type.members ?? []).filter { member in !own.contains { $0.name == member.name } }
        return SettingType.mapping(of: members + own, acceptsNothing: true).adding([
            ("description", .text(common?.description ?? ""))
        ])
    }

    private static func homeAssistant(_ sink: SinkRegistration) -> JSONTree {
        let common = SinkDeclaration.settings.declarations.filter { $0.name != "type" && $0.name != "preset" }
        return SettingType.mapping(of: sink.settings + common)
    }

    /// The keys that routes can override, of all sinks: the schema does not know which sink a name means.
    private static func overrides(_ sinks: [SinkRegistration]) -> JSONTree {
        var keys: [(name: String, values: [JSONTree], texts: Set<String>)] = []
        for declaration in sinks.flatMap(\.settings) where declaration.isPerRoute {
            let schema = declaration.schema, text = schema.text
            guard let index = keys.firstIndex(where: { $0.name == declaration.name }) else {
                keys.append((declaration.name, [schema], [text]))
                continue
            }
            if keys[index].texts.insert(text).inserted { keys[index].values.append(schema) }
        }
        return [
            "type": .texts(["object", "null"]),
            "properties": .object(
                keys.sorted { $0.name < $1.name }.map {
                    .init(name: $0.name, value: $0.values.count == 1 ? $0.values[0] : ["anyOf": .array($0.values)])
                }),
            "additionalProperties": false,
        ]
    }
}
