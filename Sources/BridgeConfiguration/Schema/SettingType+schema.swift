import BridgeCore

/// What a validator accepts as a value of each type, in the notation of JSON Schema draft 7.
///
/// A `${env:…}` or `${file:…}` may stand for every scalar, also for a number or a boolean. The schema accepts what the
/// program accepts as far as types and names go; conditions between values are left to `check`.
extension SettingType {
    /// - Parameter acceptsNothing: whether the value may be missing, as in `key:` or `key: null`.
    func schema(acceptsNothing: Bool = false) -> JSONTree {
        switch self {
        case .flag:
            return Self.scalar(
                ["boolean", "string"], acceptsNothing, pattern: "^([Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$",
                "must be true or false")
        case .integer(let range):
            let bounds = Self.bounds(.integer(range.lowerBound), range.upperBound == .max ? nil : .integer(range.upperBound))
            return Self.scalar(["integer", "string"], acceptsNothing, pattern: Self.number, "must be a whole number").adding(
                bounds)
        case .number(let range):
            let bounds = range == .finite ? [] : Self.bounds(.number(range.lowerBound), .number(range.upperBound))
            return Self.scalar(["number", "string"], acceptsNothing, pattern: Self.number, "must be a number").adding(bounds)
        case .bytes(let range):
            let bounds = Self.bounds(.integer(range.lowerBound), range.upperBound == .max ? nil : .integer(range.upperBound))
            return Self.scalar(
                ["string", "integer"], acceptsNothing, pattern: "^[0-9]+(B|KiB|MiB|GiB|kB|MB|GB)?$",
                "must be a size such as 64KiB"
            ).adding(bounds)
        case .duration:
            return Self.scalar(
                ["string"], acceptsNothing, pattern: "^([0-9]+[.]?[0-9]*|[.][0-9]+)(ms|s|m|h|d)$",
                "must be a duration such as 30s")
        case .choice(let words):
            let others = words.compactMap(Self.other)
            let types = ["string"] + (others.isEmpty ? [] : ["number"])
            return Self.words([("type", .texts(types)), ("enum", .array(words.map { .text($0) } + others))], acceptsNothing)
        case .text, .secret, .path, .template:
            return ["type": .texts(["string", "number", "boolean"] + (acceptsNothing ? ["null"] : []))]
        case .json: return .reference(to: "json")
        case .list(let element):
            return ["type": Self.type("array", acceptsNothing), "items": element.schema(acceptsNothing: element.isText)]
        case .mapping(let element):
            return [
                "type": Self.type("object", acceptsNothing),
                "additionalProperties": element.schema(acceptsNothing: element.isText),
            ]
        case .group(let members): return Self.mapping(of: members, acceptsNothing: acceptsNothing)
        case .either(let types):
            let schemas = types.map { $0.schema() } + (acceptsNothing ? [["type": "null"]] : [])
            return ["anyOf": .array(schemas)]
        case .form(let form):
            let schema = JSONTree.reference(to: form.rawValue)
            return acceptsNothing ? ["anyOf": [schema, ["type": "null"]]] : schema
        }
    }

    /// A mapping with declared keys and no others.
    ///
    /// - Parameters:
    ///   - required: whether the keys that must be there are required, which a preset may have too.
    ///   - properties: replaces the value of some keys.
    static func mapping(
        of members: [SettingDeclaration], acceptsNothing: Bool = false, required: Bool = true,
        replacing properties: [String: JSONTree] = [:]
    ) -> JSONTree {
        var schema: JSONTree = [
            "type": Self.type("object", acceptsNothing),
            "properties": .object(members.map { .init(name: $0.name, value: properties[$0.name] ?? $0.schema) }),
            "additionalProperties": false,
        ]
        let needed = members.filter { $0.presence == .required }.map(\.name)
        if required, !needed.isEmpty { schema = schema.adding([("required", .texts(needed))]) }
        let names = Set(members.map(\.name))
        let dependencies = members.compactMap { member -> JSONTree.Member? in
            let excluded = member.excluded.filter(names.contains)
            if !excluded.isEmpty {
                let refused = excluded.map { JSONTree.Member(name: $0, value: ["type": "null"]) }
                return JSONTree.Member(name: member.name, value: ["properties": .object(refused)])
            }
            guard required, !member.needed.isEmpty else { return nil }
            return JSONTree.Member(name: member.name, value: .texts(member.needed))
        }
        return dependencies.isEmpty ? schema : schema.adding([("dependencies", .object(dependencies))])
    }

    /// A reference that the program replaces before it reads the value.
    static let reference = "[$][{]"
    /// Notations of numbers that YAML 1.2 does not read as one.
    private static let number = "^[-+]?(0b[01_]+|0o[0-7_]+|[0-9][0-9_]*_[0-9_.]*)$"

    /// One of some words, or a reference.
    ///
    /// - Parameter members: the schema of the words, with a `type`: validators then name it and not the reference.
    static func words(_ members: [(String, JSONTree)], _ acceptsNothing: Bool = false) -> JSONTree {
        let nothing: [JSONTree] = acceptsNothing ? [["type": "null"]] : []
        let reference: JSONTree = ["allOf": [["type": "string"], ["pattern": .text(Self.reference)]]]
        return ["anyOf": .array([JSONTree.object([]).adding(members), reference] + nothing)]
    }

    private static func scalar(_ types: [String], _ acceptsNothing: Bool, pattern: String, _ message: String) -> JSONTree {
        let types = types + (acceptsNothing ? ["null"] : [])
        return [
            "type": types.count == 1 ? .text(types[0]) : .texts(types), "pattern": .text("\(pattern)|\(self.reference)"),
            "patternErrorMessage": .text(message),
        ]
    }

    private static func type(_ name: String, _ acceptsNothing: Bool) -> JSONTree {
        acceptsNothing ? .texts([name, "null"]) : .text(name)
    }

    private static func bounds(_ lower: JSONTree, _ upper: JSONTree?) -> [(String, JSONTree)] {
        [("minimum", lower)] + (upper.map { [("maximum", $0)] } ?? [])
    }

    /// What parsers may make of a word without quotes: a number.
    private static func other(_ word: String) -> JSONTree? {
        Int(word).map { .integer($0) } ?? Double(word).map { .number($0) }
    }
}

extension SettingDeclaration {
    /// The value of the key with its description, default and example.
    var schema: JSONTree {
        let schema = self.type.schema(acceptsNothing: self.acceptsNothing)
        var more: [(String, JSONTree)] = [("description", .text(self.description))]
        if let standard = self.defaultNode { more.append(("default", standard)) }
        if let example = self.exampleNode { more.append(("examples", [example])) }
        // Beside a reference nothing else counts.
        guard case .object(let members) = schema, members.first?.name == "$ref" else { return schema.adding(more) }
        return JSONTree.object([.init(name: "allOf", value: [schema])]).adding(more)
    }

    /// The meaning, the type with its unit and range, and the default.
    var description: String {
        var text = self.summary + "."
        if case .group = self.type {} else { text += " Type: \(self.type.brief)." }
        switch self.presence {
        case .required: text += " Required."
        case .optional(let standard?): text += " Default: \(standard)."
        case .optional(nil): break
        }
        return text
    }

    /// The default as JSON; `nil` for one that only words describe.
    private var defaultNode: JSONTree? {
        guard case .optional(let standard?) = self.presence else { return nil }
        if self.type.isText, self.hasLiteralDefault { return .text(standard) }
        return Self.scalar(standard, self.type)
    }

    private var exampleNode: JSONTree? {
        let example = self.ownExample ?? self.example
        guard !example.hasPrefix("{"), !example.hasPrefix("[") else { return nil }
        if self.type.isText || example.first == "'" || example.first == "\"" { return .text(Self.unquoted(example)) }
        return Self.scalar(example, self.type)
    }

    private static func unquoted(_ text: String) -> String {
        guard let first = text.first, first == "'" || first == "\"", text.last == first, text.count > 1 else { return text }
        return String(text.dropFirst().dropLast()).replacing("''", with: "'")
    }

    /// A text as a scalar of the type; `nil` when the type has no such value.
    private static func scalar(_ text: String, _ type: SettingType) -> JSONTree? {
        switch type {
        case .flag: text == "true" ? .flag(true) : text == "false" ? .flag(false) : nil
        case .integer: Int(text).map { .integer($0) }
        case .number: Double(text).map { .number($0) }
        case .bytes: Int(byteCountSetting: text).map { _ in .text(text) }
        case .duration: Duration(setting: text).map { _ in .text(text) }
        case .choice(let words): words.contains(text) ? .text(text) : nil
        case .either(let types): types.lazy.compactMap { Self.scalar(text, $0) }.first
        case .text, .secret, .path, .template, .json, .list, .mapping, .group, .form: nil
        }
    }
}
