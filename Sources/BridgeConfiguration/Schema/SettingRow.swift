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
            let (way, members) = declaration.type.nested
            return [SettingRow(key: key, declaration: declaration)] + self.rows(of: members, within: "\(key)\(way).")
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
    /// The keys of the mapping in a value of the type, and what the path to them has between.
    fileprivate var nested: (way: String, members: [SettingDeclaration]) {
        switch self {
        case .group(let members): return ("", members)
        case .list(let element):
            let inner = element.nested
            return ("[]" + inner.way, inner.members)
        case .mapping(let element):
            let inner = element.nested
            return (".NAME" + inner.way, inner.members)
        case .either(let types):
            return types.map(\.nested).last { !$0.members.isEmpty } ?? ("", [])
        default: return ("", [])
        }
    }
}
