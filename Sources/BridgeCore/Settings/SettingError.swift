/// A setting that is not valid: the mistake and the remedy, in one sentence without a final stop.
///
/// Thrown while settings are decoded or validated; the loader finds the location in the file from ``path``.
package struct SettingError: Error, CustomStringConvertible {
    /// Keys and indices from the component's mapping to the value, outermost first; empty for the mapping itself.
    package let path: [any CodingKey]
    /// The mistake and the remedy.
    package let message: String
    /// Whether the last key of ``path`` is itself the mistake, and not its value.
    package let isAboutKey: Bool

    /// Makes an error, by default for the component's mapping itself.
    package init(path: [any CodingKey] = [], _ message: String) {
        self.path = path
        self.message = message
        self.isAboutKey = false
    }

    /// Makes an error for the value of a key of the component's mapping, or of mappings inside it, outermost first.
    package init(at keys: String..., because message: String) {
        self.init(path: keys.map { SettingKey($0) }, message)
    }

    /// Makes an error for a key that nothing reads.
    ///
    /// - Parameters:
    ///   - path: to the mapping that has the key.
    ///   - known: the keys that the mapping may have.
    package init(unknownKey key: any CodingKey, at path: [any CodingKey], known: [String]) {
        self.path = path + [key]
        self.message = Self.unknownKey(key.stringValue, known: known)
        self.isAboutKey = true
    }

    /// The path, when there is one, and the message.
    package var description: String {
        self.path.isEmpty ? self.message : "\(self.path.map(\.stringValue).joined(separator: ".")): \(self.message)"
    }

    /// The error for an unknown key, with the nearest known one.
    package static func unknownKey(_ name: String, known: [String]) -> String {
        "unknown key '\(name)'\(NearestName.hint(for: name, among: known))\(Self.invisible(in: name))"
    }

    /// The error for an unknown key, with the nearest known one, or the key whose mapping has it.
    package static func unknownKey(_ name: String, known: [SettingDeclaration]) -> String {
        let names = Array(Set(known.map(\.name)))
        let hint = NearestName.hint(for: name, among: names)
        let owners = known.filter { $0.type.members.contains { $0.name == name } }.map { "'\($0.name)'" }
        guard hint.hasPrefix("; there are"), let last = owners.last else { return Self.unknownKey(name, known: names) }
        let list = owners.count > 1 ? "\(owners.dropLast().joined(separator: ", ")) or \(last)" : last
        return "unknown key '\(name)'; it belongs into \(list)"
    }

    /// Names the first invisible character of a key, such as a no-break space copied from a page.
    private static func invisible(in name: String) -> String {
        let found = name.unicodeScalars.first { scalar in
            switch scalar.properties.generalCategory {
            case .format, .control, .spaceSeparator, .lineSeparator, .paragraphSeparator: scalar != " "
            default: false
            }
        }
        guard let found else { return "" }
        let digits = String(found.value, radix: 16, uppercase: true)
        return "; it holds the invisible character U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
    }
}
