import JSON

/// `{ fields: .payload }`: the members of an object in words, such as `battery: 87, occupancy: true`.
struct FieldSelection: Sendable {
    /// A member that is wanted: its path below the object, and the words for it.
    struct Member: Sendable {
        let path: EventPath
        let label: String
    }

    /// Where the object is.
    let path: EventPath
    /// The members to write, in this order; empty for all that mean something to a reader.
    let only: [Member]
    /// The names of members that are left out.
    let except: Set<String>

    /// The words for the event that the reader holds; `nil` when there are none.
    func text(_ reader: EventReader) -> String? {
        self.words(reader).map { LongNumbers.restored($0, from: reader.event?.payload) }
    }

    private func words(_ reader: EventReader) -> String? {
        guard self.only.isEmpty else { return self.text(ofMembers: reader) }
        guard case .json(let element) = reader.value(at: self.path) else { return nil }
        switch element.kind {
        case .object, .array: return FieldSentence.of(element, title: reader.event?.title, without: self.except)
        default:
            let text = element.text()
            return text.isEmpty ? nil : text
        }
    }

    private func text(ofMembers reader: EventReader) -> String? {
        var text = ""
        for member in self.only {
            guard case .json(let element) = reader.value(at: member.path) else { continue }
            let value =
                switch element.kind {
                case .object, .array: FieldSentence.of(element, title: nil, without: self.except) ?? ""
                default: element.text()
                }
            guard !value.isEmpty else { continue }
            if !text.isEmpty { text += ", " }
            text += member.label
            text += ": "
            text += value
        }
        return text.isEmpty ? nil : text
    }
}
