/// A mapping of the configuration file whose keys are declared: a property for each, and a ``Setting`` that binds the two.
///
/// ```swift
/// struct Limits: SettingGroup {
///     var age: Duration?
///     var bytes = 1 << 20
///     static let settings = Settings<Self> {
///         Setting("age", \.age, .duration(in: .seconds(1)...), "How long events are kept")
///         Setting("bytes", \.bytes, .bytes(in: 1024...), "How many bytes are kept")
///     }
/// }
/// ```
package protocol SettingGroup: Sendable {
    /// The keys of the mapping.
    static var settings: Settings<Self> { get }

    /// Makes settings in which every key has its default; required ones have a placeholder until they are read.
    init()

    /// Validates the settings together, after each of them is read; does no I/O.
    ///
    /// - Throws: ``SettingError`` with the key, relative to the mapping, and the remedy.
    func validate() throws
}

extension SettingGroup {
    /// Accepts all settings by default.
    package func validate() throws {}

    /// Reads a mapping and validates it.
    ///
    /// - Parameter refusesOthers: whether undeclared keys are refused; otherwise the caller does that.
    /// - Throws: ``SettingError`` or `DecodingError` for the first mistake.
    package init(settings decoder: any Decoder, refusesOthers: Bool = true) throws {
        guard (try? decoder.container(keyedBy: SettingKey.self)) != nil else {
            let example = SettingType.group(Self.settings.declarations).example
            throw SettingError(path: decoder.codingPath, "must be a mapping of keys to values; write one such as \(example)")
        }
        if refusesOthers { try Self.settings.refuseUnknownKeys(of: decoder) }
        self.init()
        try Self.settings.read(decoder, into: &self)
        do {
            try self.validate()
        } catch let error as SettingError {
            throw SettingError(path: decoder.codingPath + error.path, error.message)
        }
    }
}
