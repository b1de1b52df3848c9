/// A structure of the file that is declared once, because several keys have it or because it contains itself.
package enum DeclaredForm: String, Sendable, CaseIterable {
    /// The conditions of `match:`.
    case filter
    /// The source of one field in `set:` of a case.
    case field
    /// An item of a list in such a source.
    case fieldPart
    /// A text with templates, or a mapping such as `{ from: .title, limit: 100 }`.
    case value
    /// A source, with the keys of its kind.
    case source
    /// A sink, with the keys of its kind.
    case sink
    /// The block `home_assistant`.
    case homeAssistant
    /// `with:` of a route: the keys of the sink that a route can override.
    case overrides

    /// The form in words, for lists of keys.
    package var words: String {
        switch self {
        case .filter: "conditions"
        case .field: "template, list, or mapping such as { from: .payload.name }"
        case .fieldPart: "template, or mapping such as { from: .payload.name }"
        case .value: "template, or mapping such as { from: .title }"
        case .source: "source"
        case .sink: "sink"
        case .homeAssistant: "sink of type home-assistant without type"
        case .overrides: "keys of the sink that a route can override"
        }
    }

    /// The keys of the mapping that the file may write in its place; empty for components, whose keys depend on their kind.
    package var members: [SettingDeclaration] {
        switch self {
        case .filter: FilterDeclarations.keys
        case .field, .fieldPart: FieldForm.settings.declarations
        case .value: JSONValue.settings.declarations
        case .source, .sink, .homeAssistant, .overrides: []
        }
    }

    /// The keys of `{ when: …, then: …, else: … }`, which may take the place of a value.
    package static var condition: [SettingDeclaration] { JSONCondition.settings.declarations }
}
