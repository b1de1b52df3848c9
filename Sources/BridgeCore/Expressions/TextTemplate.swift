/// A text that an event may lack, such as a header: a ``Template``, or a value as in a ``JSONTemplate``.
package struct TextTemplate: Sendable, Decodable {
    private enum Form: Sendable {
        case template(Template)
        case value(JSONTemplate)
    }

    private let form: Form

    /// Makes one of a template.
    package init(_ template: Template) {
        self.form = .template(template)
    }

    /// Decodes a text, or a mapping such as `{ from: .tags, with: "," }`.
    ///
    /// - Throws: ``SettingError`` for a mistake in it.
    package init(from decoder: any Decoder) throws {
        guard (try? decoder.container(keyedBy: SettingKey.self)) != nil else {
            self.form = .template(try Template(from: decoder))
            return
        }
        let value = try JSONTemplate(from: decoder)
        guard value.isText else {
            throw SettingError(path: decoder.codingPath, "is not a text; write one, or a value such as { from: .title }")
        }
        self.form = .value(value)
    }

    /// The text itself when no event can change it.
    package var constant: String? {
        if case .template(let template) = self.form { template.constant } else { nil }
    }

    /// The texts of the file in it.
    package var literals: [String] {
        switch self.form {
        case .template(let template): template.literals
        case .value(let value): value.texts
        }
    }

    /// The text as written, for the values of the environment in it.
    package var text: String {
        switch self.form {
        case .template(let template): template.text
        case .value(let value): value.texts.joined(separator: " ")
        }
    }

    /// Warns of a template within a JSON string; see ``Template/jsonWarning(at:)``.
    package func jsonWarning(at path: [any CodingKey]) -> SettingError? {
        if case .template(let template) = self.form { template.jsonWarning(at: path) } else { nil }
    }

    /// The templates in it.
    package var templates: [Template] {
        switch self.form {
        case .template(let template): [template]
        case .value(let value): value.templates
        }
    }

    /// Renders the text for the event that the reader holds.
    ///
    /// - Parameter escape: as for ``Template/render(_:escape:)``.
    /// - Returns: `nil` when the event has no value for it.
    /// - Throws: ``ExpressionError`` of a jq part, or for a value that a map does not have.
    package func renderOptional(_ reader: EventReader, escape: (String) -> String) throws -> String? {
        switch self.form {
        case .template(let template): return try template.renderOptional(reader, escape: escape)
        case .value(let value):
            let text = try value.shaped(reader)
            return text.isEmpty ? nil : escape(text.text)
        }
    }
}
