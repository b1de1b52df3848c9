import JSON

/// `{ from: .payload.state, map: { offline: 4 }, default: 2 }`: a value of the event, as it is or looked up in a table.
struct FieldLookup: Sendable {
    /// The path or expression.
    let part: Template.Part
    /// `nil` takes the value as it is.
    let table: FieldTable?
    /// What counts where there is no value, or one that the table does not have.
    let standard: Template?
    /// The zone of times that have none.
    let zone: LocalZone?

    /// The text; empty where the event has no value.
    ///
    /// - Throws: ``ExpressionError``.
    func text(_ reader: EventReader) throws -> String {
        try self.texts(reader).joined(separator: ", ")
    }

    /// The items of an array, or the one value that there is; none of them is empty.
    ///
    /// - Throws: ``ExpressionError``, also for a value that the table does not have.
    func texts(_ reader: EventReader) throws -> [String] {
        var texts = try self.values(reader)
        if let table {
            texts = try texts.map { value in
                guard let entry = table[value] ?? self.standard else {
                    throw ExpressionError("'\(value.prefix(100))' is not in the map, which has no default")
                }
                return try entry.render(reader)
            }
        }
        texts.removeAll(where: \.isEmpty)
        if texts.isEmpty, let standard { texts = [try standard.render(reader)].filter { !$0.isEmpty } }
        return texts
    }

    private func values(_ reader: EventReader) throws -> [String] {
        switch self.part {
        case .literal(let text): return [text]
        case .path(let path): return Self.texts(of: reader.value(at: path))
        case .digits(let path, let expression):
            return try reader.digits(at: path).map { [$0] } ?? Self.texts(of: reader.value(of: expression, .template))
        case .expression(let expression): return Self.texts(of: try reader.value(of: expression, .template))
        }
    }

    private static func texts(of value: EventValue) -> [String] {
        switch value {
        case .missing: return []
        case .list(let list): return list
        case .json(let element) where element.kind == .array:
            var texts: [String] = []
            element.forEachItem { texts.append($0.text()) }
            return texts.filter { !$0.isEmpty }
        default: return [value.text]
        }
    }

    private static func texts(of value: ExpressionValue) -> [String] {
        switch value {
        case .none, .null: []
        case .json(let text): JSONFields.array(text) ?? [text]
        default: [value.text]
        }
    }

    /// The parts of its path and its templates.
    var parts: [Template.Part] {
        [self.part] + (self.table?.parts ?? []) + (self.standard?.parts ?? [])
    }
}
