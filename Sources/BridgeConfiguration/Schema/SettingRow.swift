package import BridgeCore

/// One line of a list of keys: a key with the path to it, and all that is known of it.
package struct SettingRow: Sendable {
    /// The keys from the mapping that is listed, such as `tls.ca_file`, `subscribe[].topic` or `entities.NAME.icon`.
    package let key: String
    /// The declaration of the last key.
    package let declaration: SettingDeclaration

    /// The keys of a mapping, each followed by those of the mapping that is its value.
    package static func rows(of declarations: [SettingDeclaration], within path: String = "") -> [SettingRow] {
        declarations.flatMap { declaration -> [SettingRow] in
            let key = path + declaration.name
            let nested = declaration.type.nested.flatMap { self.rows(of: $0.members, within: "\(key)\($0.way).") }
            return [SettingRow(key: key, declaration: declaration)] + nested
        }
    }

    /// The default in words: `required`, a value, or empty for none.
    package var standard: String {
        switch self.declaration.presence {
        case .required: "required"
        case .optional(let standard): standard ?? ""
        }
    }

    /// Whether there is a default that the file could have, and not a description of one.
    var isLiteralDefault: Bool {
        guard self.declaration.hasLiteralDefault, case .optional(_?) = self.declaration.presence else { return false }
        return true
    }

    /// The meaning, then what else decides whether the key may be there.
    package var summary: String {
        var text = self.declaration.summary
        if !self.declaration.needed.isEmpty { text += "; needs \(self.declaration.needed.joined(separator: ", "))" }
        if !self.declaration.excluded.isEmpty { text += "; not with \(self.declaration.excluded.joined(separator: ", "))" }
        return text
    }
}

extension SettingType {
    /// The keys of the mappings in a value of the type, and what the path to them has between.
    ///
    /// Of a mapping or a list of larger ones, the list has only the keys that the mapping alone does not have.
    fileprivate var nested: [(way: String, members: [SettingDeclaration])] {
        switch self {
        case .group(let members): return [("", members)]
        case .list(let element): return element.nested.map { ("[]" + $0.way, $0.members) }
        case .mapping(let element): return element.nested.map { (".NAME" + $0.way, $0.members) }
        case .either(let types):
            let all = types.flatMap(\.nested)
            guard let last = all.last, let first = all.first(where: { $0.way.isEmpty }) else { return all.suffix(1) }
            let known = Set(first.members.map(\.name))
            let more = last.members.filter { !known.contains($0.name) }
            return more.isEmpty ? [last] : [first, (last.way, more)]
        default: return []
        }
    }
}
