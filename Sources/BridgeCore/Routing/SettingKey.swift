/// A key of a mapping whose keys are not known beforehand, or an index of a list.
package struct SettingKey: CodingKey {
    package let stringValue: String
    package let intValue: Int?

    package init(_ stringValue: String) {
        self.stringValue = stringValue
        self.intValue = nil
    }

    package init(stringValue: String) {
        self.init(stringValue)
    }

    package init(_ index: Int) {
        self.stringValue = "Index \(index)"
        self.intValue = index
    }

    /// Keys of a mapping are texts.
    package init?(intValue: Int) {
        return nil
    }
}
