/// Where a field of an event comes from: one entry of `set` in a case of `normalise`.
///
/// Immutable; evaluating it needs a reader per thread. Plain paths and everything but a jq expression are native.
indirect enum FieldSource: Sendable {
    /// `null`: the field is removed.
    case nothing
    /// A constant, or text with `{{ … }}`.
    case template(Template)
    /// `{ from: … }`
    case lookup(FieldLookup)
    /// `{ fields: … }`
    case fields(FieldSelection)
    /// `{ join: […], with: … }`
    case join([FieldSource], separator: String)
    /// A list, of tags.
    case list([FieldSource])
    /// `{ json: … }`, of a payload.
    case json(JSONTemplate)

    /// The text for the event that the reader holds.
    ///
    /// - Returns: `nil` when the event has no value for it.
    /// - Throws: ``ExpressionError`` of a jq part, or for a value that a table does not have.
    func text(_ reader: EventReader) throws -> String? {
        let text: String
        switch self {
        case .nothing, .json: return nil
        case .template(let template): text = try template.render(reader)
        case .lookup(let lookup): text = try lookup.text(reader)
        case .fields(let selection): return selection.text(reader)
        case .join(_, let separator): text = try self.texts(reader).joined(separator: separator)
        case .list: text = try self.texts(reader).joined(separator: ",")
        }
        return text.isEmpty ? nil : text
    }

    /// The texts of a list for the event that the reader holds; none of them is empty.
    ///
    /// - Throws: as ``text(_:)`` does.
    func texts(_ reader: EventReader) throws -> [String] {
        var texts: [String] = []
        switch self {
        case .lookup(let lookup): return try lookup.texts(reader)
        case .join(let sources, _), .list(let sources):
            for source in sources { try source.append(to: &texts, reader) }
        default: if let text = try self.text(reader) { texts.append(text) }
        }
        return texts
    }

    /// - Parameter texts: get the items of a list, and one text of a part with a separator of its own.
    private func append(to texts: inout [String], _ reader: EventReader) throws {
        if case .lookup(let lookup) = self, lookup.separator == ", " {
            texts += try lookup.texts(reader)
        } else if let text = try self.text(reader) {
            texts.append(text)
        }
    }

    /// Whether it is the same for all messages of one source and subject.
    var needsOnlySubject: Bool {
        self.parts.allSatisfy { part in
            switch part {
            case .literal: true
            case .path(let path): [.subject, .segments, .source].contains(path.root)
            case .expression, .digits: false
            }
        }
    }

    /// The parts of its templates and paths.
    var parts: [Template.Part] {
        switch self {
        case .nothing: []
        case .template(let template): template.parts
        case .lookup(let lookup): lookup.parts
        case .fields(let selection): [.path(selection.path)]
        case .join(let sources, _), .list(let sources): sources.flatMap(\.parts)
        case .json(let json): json.templates.flatMap(\.parts)
        }
    }
}
