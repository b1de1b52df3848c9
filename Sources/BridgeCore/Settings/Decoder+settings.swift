extension Decoder {
    /// The container of a mapping inside a component's settings, after a check that it has no other keys.
    ///
    /// The loader refuses unknown keys of the component's own mapping; only the adapter knows those of the mappings
    /// inside it.
    ///
    /// - Throws: ``SettingError`` with the unknown key and the known ones.
    package func mapping<Key: CodingKey & CaseIterable>(_ keys: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let known = keys.allCases.map(\.stringValue)
        for key in try self.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw SettingError(
                path: self.codingPath + [key], "'\(key.stringValue)' is not known here; \(known.joined(separator: ", ")) are"
            )
        }
        return try self.container(keyedBy: keys)
    }
}

/// A key with any name.
private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }
}
