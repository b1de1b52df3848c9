extension Decoder {
    /// The container of a mapping inside a component's settings, once it is sure that it has no other keys than these.
    ///
    /// The loader knows the keys of a component's own mapping and refuses others there; those of the mappings inside it only the adapter
    /// knows.
    ///
    /// - Throws: ``SettingError`` that names the unknown key and those that are allowed.
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

/// A key of any name.
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
