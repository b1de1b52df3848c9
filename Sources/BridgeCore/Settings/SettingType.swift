/// The type of a setting's value, as the file writes it.
package indirect enum SettingType: Sendable, Equatable {
    /// `true` or `false`.
    case flag
    /// A whole number within a range; an upper bound of `Int.max` is no bound.
    case integer(ClosedRange<Int>)
    /// A number within a range.
    case number(ClosedRange<Double>)
    /// A number of bytes such as `64KiB`, within a range; an upper bound of `Int.max` is no bound.
    case bytes(ClosedRange<Int>)
    /// A duration such as `30s`, within a range; an upper bound of ``Swift/Duration/longest`` is no bound.
    case duration(ClosedRange<Duration>)
    /// One of these words.
    case choice([String])
    /// Any text; the form in words, such as `URL`, or empty.
    case text(String)
    /// Text that is never printed.
    case secret
    /// The path of a file.
    case path
    /// Text with `{{ … }}`.
    case template
    /// Any structure whose texts may be templates.
    case json
    /// A list of values of one type.
    case list(SettingType)
    /// A mapping whose keys the user chooses.
    case mapping(SettingType)
    /// A mapping with these keys.
    case group([SettingDeclaration])
    /// A value of one of these types.
    case either([SettingType])
    /// A structure that is declared once and may contain itself.
    case form(DeclaredForm)

    /// The declared keys of a mapping; none for other types.
    ///
    /// The members of the elements of a list, and of the first of several types that has any.
    package var members: [SettingDeclaration] {
        switch self {
        case .group(let members): members
        case .list(let element), .mapping(let element): element.members
        case .either(let types): types.lazy.map(\.members).first { !$0.isEmpty } ?? []
        default: []
        }
    }
}

extension SettingType: CustomStringConvertible {
    /// The type in words, such as `duration, 0s to 1h`.
    package var description: String {
        switch self {
        case .flag: "true or false"
        case .integer(let range): "integer, \(Self.words(range, "\(range.lowerBound)", "\(range.upperBound)", open: .max))"
        case .number(.finite): "number"
        case .number(let range): "number, \(range.lowerBound.setting) to \(range.upperBound.setting)"
        case .bytes(let range):
            "size, \(Self.words(range, range.lowerBound.byteCountSetting, range.upperBound.byteCountSetting, open: .max))"
        case .duration(.zero ... .longest): "duration"
        case .duration(let range):
            "duration, \(Self.words(range, range.lowerBound.setting, range.upperBound.setting, open: .longest))"
        case .choice(let words): words.joined(separator: ", ")
        case .text(let form): form.isEmpty ? "text" : form
        case .secret: "secret"
        case .path: "path"
        case .template: "template"
        case .json: "JSON with templates"
        case .list(let element): "list of \(element)"
        case .mapping(let element): "mapping of names to \(element)"
        case .group(let members): "mapping of \(members.map(\.name).joined(separator: ", "))"
        case .either(let types): types.map(\.description).joined(separator: ", or ")
        case .form(let form): form.words
        }
    }

    private static func words<Bound>(_ range: ClosedRange<Bound>, _ lower: String, _ upper: String, open: Bound) -> String {
        range.upperBound == open ? "\(lower) or more" : "\(lower) to \(upper)"
    }
}
