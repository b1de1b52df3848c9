/// The keys of one mapping in the configuration file, in the order in which the documentation shows them.
package struct Settings<Root>: Sendable {
    /// The keys; no name occurs twice.
    let members: [Setting<Root>]
    /// The declarations of the keys, which are independent of a file.
    package let declarations: [SettingDeclaration]
    private let names: Set<String>

    /// Declares keys; traps for a name that occurs twice, which is a programming error.
    package init(@SettingsBuilder<Root> _ members: () -> [Setting<Root>]) {
        self.members = members()
        self.declarations = self.members.map(\.declaration)
        self.names = Set(self.declarations.map(\.name))
        precondition(self.names.count == self.declarations.count, "a setting of \(Root.self) is declared twice")
    }

    /// The same keys as part of a mapping that has more.
    ///
    /// - Parameter path: the property that holds these settings.
    package func within<Outer>(_ path: any WritableKeyPath<Outer, Root> & Sendable) -> [Setting<Outer>] {
        self.members.map { $0.lifted(to: path) }
    }

    /// Reads the keys of a mapping; what it does not have keeps its default.
    ///
    /// - Throws: ``SettingError`` or `DecodingError` for the first missing or invalid value, and for keys that exclude
    ///   each other.
    package func read(_ decoder: any Decoder, into root: inout Root) throws {
        let container = try decoder.container(keyedBy: SettingKey.self)
        var given: Set<String> = []
        for member in self.members {
            let name = member.declaration.name
            let key = SettingKey(name)
            guard container.contains(key) else {
                guard member.declaration.presence != .required else {
                    throw DecodingError.keyNotFound(
                        key, DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "'\(name)' is missing"))
                }
                continue
            }
            if member.declaration.presence != .required, !member.readsNothing, try container.decodeNil(forKey: key) {
                guard member.refusesNothing else { continue }
                throw SettingError(path: decoder.codingPath + [key], "has no value; write one or leave it out")
            }
            given.insert(name)
            try member.store(container.superDecoder(forKey: key), &root)
        }
        for member in self.members where !member.conditions.isEmpty && given.contains(member.declaration.name) {
            for condition in member.conditions where condition.names.contains(where: given.contains) != condition.isWanted {
                throw SettingError(path: decoder.codingPath + [SettingKey(member.declaration.name)], condition.refusal)
            }
        }
    }

    /// Refuses keys of a mapping that are not declared.
    ///
    /// - Throws: ``SettingError`` with the unknown key and the nearest known one.
    package func refuseUnknownKeys(of decoder: any Decoder) throws {
        for key in try decoder.container(keyedBy: SettingKey.self).allKeys where !self.names.contains(key.stringValue) {
            throw SettingError(unknownKey: key, at: decoder.codingPath, known: self.declarations.map(\.name))
        }
    }
}

/// Lists declarations one per line.
@resultBuilder
package enum SettingsBuilder<Root> {
    /// One key.
    package static func buildExpression(_ setting: Setting<Root>) -> [Setting<Root>] { [setting] }
    /// Keys that several mappings share.
    package static func buildExpression(_ settings: [Setting<Root>]) -> [Setting<Root>] { settings }
    /// All keys.
    package static func buildBlock(_ parts: [Setting<Root>]...) -> [Setting<Root>] { parts.flatMap { $0 } }
}
