import BridgeCore
import YAML

/// A configuration file as the program understands it: references resolved, presets merged, secrets hidden.
///
/// The text loads again, apart from the secrets. Performs no I/O.
struct EffectiveFile {
    let catalog: AdapterCatalog
    /// Whether keys that the file leaves out are shown: with their default, or in a comment that describes it.
    let showsDefaults: Bool
    /// Replaces the secrets of components, by the path such as `sources.home`, and of `http.access`.
    let redactions: [String: Redaction]
    /// The types of sinks by name, for `with:`.
    let kinds: [String: ComponentKind]

    /// What replaces a secret.
    static let hidden = "<hidden>"

    /// The text of a file whose outermost node is given.
    func text(of root: Node) -> String {
        var writer = BlockWriter()
        writer.write(self.members(of: root, BridgeLoader.declarations, at: []))
        return writer.text
    }

    private func redaction(at path: [String]) -> Redaction? {
        self.redactions[path.prefix(2).joined(separator: ".")] ?? self.redactions[path.prefix(1).joined(separator: ".")]
    }

    /// A mapping with declared keys, in the order of the file, and what it leaves out.
    private func members(
        of node: Node?, _ declarations: [SettingDeclaration], at path: [String]
    ) -> BlockWriter.Value {
        let mapping = node?.mapping
        var entries = (mapping.map(Array.init) ?? []).map { key, value -> BlockWriter.Entry in
            let name = key.string ?? ""
            let declaration = declarations.first { $0.name == name }
            var type = declaration?.type
            if case .form(.overrides)? = type, let sink = mapping?["sink"]?.string, let kind = self.kinds[sink] {
                type = .group(self.catalog.sinks[kind]?.settings.filter(\.isPerRoute) ?? [])
                return .member(name, self.value(value, type, at: ["sinks", sink], fillsIn: false))
            }
            return .member(name, self.value(value, type, at: path + [name]))
        }
        guard self.showsDefaults else { return .mapping(entries) }
        let given = Set((mapping.map(Array.init) ?? []).compactMap(\.key.string))
        let refused = Set(declarations.filter { given.contains($0.name) }.flatMap(\.excluded))
        var comments: [BlockWriter.Entry] = []
        for declaration in declarations where !given.contains(declaration.name) {
            let isFree = declaration.needed.isEmpty && declaration.excluded.isEmpty && !refused.contains(declaration.name)
            for entry in self.standard(declaration, isFree: isFree, at: path + [declaration.name]) {
                if case .comment = entry { comments.append(entry) } else { entries.append(entry) }
            }
        }
        return .mapping(entries + comments)
    }

    /// The default of a key that the file leaves out, or comments about it.
    ///
    /// - Parameter isFree: whether the key may be there beside the others.
    private func standard(_ declaration: SettingDeclaration, isFree: Bool, at path: [String]) -> [BlockWriter.Entry] {
        guard case .optional(let standard) = declaration.presence else { return [] }
        let name = declaration.name
        if case .group(let members) = declaration.type, isFree, declaration.hasLiteralDefault,
            case .mapping(let entries) = self.members(of: nil, members, at: path)
        {
            // A mapping of comments alone would have no value.
            let texts = entries.compactMap {
                if case .comment(let text) = $0 { BlockWriter.Entry.comment("\(name).\(text)") } else { nil }
            }
            return texts.count == entries.count ? texts : [.member(name, .mapping(entries))]
        }
        guard let standard else { return [] }
        guard isFree, declaration.hasLiteralDefault, declaration.type.isScalar else { return [.comment("\(name): \(standard)")] }
        return [.member(name, .text(declaration.type.isText ? FlowText.scalar(standard) : standard))]
    }

    /// - Parameter fillsIn: whether defaults are added to mappings.
    private func value(_ node: Node, _ type: SettingType?, at path: [String], fillsIn: Bool = true) -> BlockWriter.Value {
        switch (node, type) {
        case (.scalar(let scalar), let type):
            if type?.isSecret == true, !scalar.isNull { return .text(FlowText.scalar(Self.hidden)) }
            return .text(self.text(of: scalar, at: path))
        case (.mapping, .group(let members)?):
            guard fillsIn else { return self.plain(node, members, at: path) }
            return self.members(of: node, members, at: path)
        case (.mapping, .form(.source)?), (.mapping, .form(.sink)?), (.mapping, .form(.homeAssistant)?):
            return self.members(of: node, self.declarations(of: node, type, at: path), at: path)
        case (.mapping, .either(let types)?):
            return self.value(node, types.first { if case .group = $0 { true } else { false } }, at: path, fillsIn: fillsIn)
        case (.sequence, .either(let types)?):
            return self.value(node, types.first { if case .list = $0 { true } else { false } }, at: path, fillsIn: fillsIn)
        case (.mapping(let mapping), let type):
            var inner: SettingType?
            if case .mapping(let element)? = type { inner = element }
            return .mapping(
                mapping.map {
                    .member($0.key.string ?? "", self.value($0.value, inner, at: path + [$0.key.string ?? ""], fillsIn: fillsIn))
                })
        case (.sequence(let sequence), let type):
            var inner: SettingType?
            if case .list(let element)? = type { inner = element }
            return .list(sequence.items.map { self.value($0, inner, at: path, fillsIn: fillsIn) })
        }
    }

    private func plain(_ node: Node, _ members: [SettingDeclaration], at path: [String]) -> BlockWriter.Value {
        .mapping(
            (node.mapping.map(Array.init) ?? []).map { key, value in
                let type = members.first { $0.name == key.string }?.type
                return .member(key.string ?? "", self.value(value, type, at: path, fillsIn: false))
            })
    }

    /// The keys of one component.
    private func declarations(of node: Node, _ type: SettingType?, at path: [String]) -> [SettingDeclaration] {
        let kind = ComponentKind(rawValue: node.mapping?["type"]?.string ?? "")
        switch type {
        case .form(.source)?: return SourceDeclaration.settings.declarations + (self.catalog.sources[kind]?.settings ?? [])
        case .form(.homeAssistant)?:
            return SinkDeclaration.settings.declarations + (self.catalog.sinks["home-assistant"]?.settings ?? [])
        default: return SinkDeclaration.settings.declarations + (self.catalog.sinks[kind]?.settings ?? [])
        }
    }

    /// A scalar without secrets; what the loader would take for a reference is escaped.
    private func text(of scalar: Node.Scalar, at path: [String]) -> String {
        if scalar.isNull { return "null" }
        let visible = Self.withoutPassword(scalar.string)
        let redacted = self.redaction(at: path)?.redacted(visible) ?? visible
        guard redacted == scalar.string else {
            return FlowText.scalar(redacted == Redaction.mark ? Self.hidden : Self.escaped(redacted))
        }
        return scalar.style == .plain && Self.keepsType(redacted) ? redacted : FlowText.scalar(Self.escaped(redacted))
    }

    /// A URL without the password in it, however short; any other text stays as it is (RFC 3986 §3.2.1).
    private static func withoutPassword(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return text }
        return text[...colon] + Redaction.mark + text[at...]
    }

    /// Whether a plain scalar may be a number or a boolean and needs no quotes.
    private static func keepsType(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        let isDigit = (0x30...0x39).contains(first)
        let isLetter = (0x41...0x5A).contains(first & 0xDF)
        guard isDigit || isLetter || (text.utf8.count > 1 && "+-.".utf8.contains(first)), !text.hasPrefix("---") else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || "+-._/".utf8.contains(byte)
        }
    }

    /// Doubles each `$` that begins a reference or an escape, or that looks like one.
    private static func escaped(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[...dollar]
            rest = rest[rest.index(after: dollar)...]
            if let next = rest.first, next == "$" || next == "{" || (next.isASCII && next.isUppercase) { result += "$" }
        }
        return result + rest
    }
}

extension SettingType {
    fileprivate var isSecret: Bool {
        switch self {
        case .secret: true
        case .either(let types): types.contains(where: \.isSecret)
        default: false
        }
    }

    fileprivate var isScalar: Bool {
        switch self {
        case .flag, .integer, .number, .bytes, .duration, .choice, .text, .path, .template: true
        default: false
        }
    }
}
