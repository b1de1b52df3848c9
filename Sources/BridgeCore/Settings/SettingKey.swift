/// A key of a mapping in the file, or an index of a list.
package struct SettingKey: CodingKey {
    /// The key, or the index in words.
    package let stringValue: String
    /// The index; `nil` for a key.
    package let intValue: Int?

    /// Makes a key of a mapping.
    package init(_ stringValue: String) {
        self.stringValue = stringValue
        self.intValue = nil
    }

    /// Makes a key of a mapping.
    package init(stringValue: String) {
        self.init(stringValue)
    }

    /// Makes an index of a list, from 0.
    package init(_ index: Int) {
        self.stringValue = "Index \(index)"
        self.intValue = index
    }

    /// Keys of a mapping are texts.
    package init?(intValue: Int) {
        return nil
    }
}
