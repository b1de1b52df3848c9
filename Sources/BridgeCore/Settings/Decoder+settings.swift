extension Decoder {
    /// Refuses a number or a boolean where text is meant; in quotes it is text.
    ///
    /// - Parameter noun: what the text is, such as `a tag`.
    /// - Throws: ``SettingError`` for a number or a boolean.
    package func refuseNumber(meaning noun: String) throws {
        let container = try self.singleValueContainer()
        guard (try? container.decode(Double.self)) != nil || (try? container.decode(Bool.self)) != nil else { return }
        throw SettingError(path: self.codingPath, "must be text; write it in quotes if it is meant as \(noun)")
    }
}
