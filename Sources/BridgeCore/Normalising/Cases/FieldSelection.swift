import JSON

/// `{ fields: .payload }`: the members of an object in words, such as `battery: 87, occupancy: true`.
struct FieldSelection: Sendable {
    /// A member that is wanted: its path below the object, and the words for it.
    struct Member: Sendable {
        let path: EventPath
        let label: String
        /// The name as a whole, where it may be that of one member: `a.b` is a member of the object, or one of its member `a`.
        let name: String

        /// Its paths in the event, the first that has a value counts.
        ///
        /// - Parameter object: where the object is.
        func paths(in object: EventPath) -> [EventPath] {
            let paths = [EventPath(root: object.root, steps: object.steps + self.path.steps)]
            guard self.path.steps.count > 1 else { return paths }
            return paths + [EventPath(root: object.root, steps: object.steps + [.key(self.name)])]
        }
    }

    /// Where the object is.
    let path: EventPath
    /// The members to write, in this order; empty for all that mean something to a reader.
    let only: [(paths: [EventPath], label: String)]
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
            let values = member.paths.lazy.map { reader.value(at: $0) }
            guard case .json(let element)? = values.first(where: { !$0.isMissing }) else { continue }
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
