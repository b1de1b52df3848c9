import JSON

/// `{ from: .payload.state, map: { offline: 4 }, default: 2 }`: a value of the event, as it is or looked up in a table.
struct FieldLookup: Sendable {
    /// The path or expression.
    let part: Template.Part
    /// `nil` takes the value as it is.
    let table: FieldTable?
    /// What counts where there is no value, or one that the table does not have.
    let standard: FieldSource?
    /// The zone of times that have none.
    let zone: LocalZone?
    /// The path within each item of a list, or within an object; `nil` takes the whole.
    var member: [EventPath.Step]?
    /// The names of an object's members in place of it, without these; `nil` takes the object.
    var namesWithout: Set<String>?
    /// Which part of each text counts: that of the first pattern that fits.
    ///
    /// Empty for all of it.
    var cuts: [TextPart] = []
    /// What stands between several texts.
    var separator = ", "

    /// The text; empty where the event has no value.
    ///
    /// - Throws: ``ExpressionError``.
    func text(_ reader: EventReader) throws -> String {
        try self.texts(reader).joined(separator: self.separator)
    }

    /// The items of an array, or the one value that there is; none of them is empty.
    ///
    /// - Throws: ``ExpressionError``, also for a value that the table does not have.
    func texts(_ reader: EventReader) throws -> [String] {
        var texts = try self.values(reader)
        if !self.cuts.isEmpty {
            texts = texts.compactMap { text in self.cuts.lazy.compactMap { $0.part(of: text) }.first }
        }
        if let table {
            texts = try texts.map { value in
                if let entry = table[value] { return try entry.render(reader) }
                guard let standard else {
                    throw ExpressionError("'\(value.prefix(100))' is not in the map, which has no default")
                }
                return try standard.text(reader) ?? ""
            }
        }
        texts.removeAll(where: \.isEmpty)
        if texts.isEmpty, let standard { texts = try standard.texts(reader) }
        return texts
    }

    private func values(_ reader: EventReader) throws -> [String] {
        switch self.part {
        case .literal(let text): return [text]
        case .path(let path): return self.texts(at: reader.value(at: path))
        case .digits(let path, let expression):
            return try reader.digits(at: path).map { [$0] } ?? Self.texts(of: reader.value(of: expression, .template))
        case .expression(let expression): return Self.texts(of: try reader.value(of: expression, .template))
        }
    }

    private func texts(at value: EventValue) -> [String] {
        guard case .json(let element) = value, self.member != nil || self.namesWithout != nil else {
            return Self.texts(of: value)
        }
        var texts: [String] = []
        if let namesWithout {
            guard element.kind == .object else { return [] }
            element.forEachMember { name, _ in if !namesWithout.contains(name) { texts.append(name) } }
        } else if let member {
            func take(_ item: JSONElement) {
                guard let value = EventPath.element(at: member, in: item), value.kind != .null else { return }
                texts += Self.texts(of: .json(value))
            }
            if element.kind == .array { element.forEachItem(take) } else { take(element) }
        }
        return texts
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

    /// Whether it is the value itself, of whatever type.
    var isWhole: Bool {
        self.table == nil && self.standard == nil && self.member == nil && self.namesWithout == nil && self.cuts.isEmpty
    }

    /// The parts of its path and its templates.
    var parts: [Template.Part] {
        [self.part] + (self.table?.parts ?? []) + (self.standard?.parts ?? [])
    }
}
