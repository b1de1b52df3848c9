/// The parts of a case of `normalise`, each of which can be read on its own.
///
/// Reading a whole case ends at its first mistake; the loader reads the parts of one that is refused, to report all of them.
package enum CaseParts {
    /// The keys of a case.
    package static var keys: [SettingDeclaration] { NormaliseCase.settings.declarations }
    /// The keys of `set`.
    package static var fields: [SettingDeclaration] { CaseFields.settings.declarations }

    /// Reads the source of one field of `set`; a name that is no field is accepted.
    ///
    /// - Throws: ``SettingError`` or `DecodingError` for the first mistake, with the path within the source.
    package static func read(field name: String, _ decoder: any Decoder) throws {
        guard let field = EventField(rawValue: name) else { return }
        _ = try SettingCodec<FieldSource>.field(field).read(decoder)
    }
}
