import NIOCore

/// The fields that a case sets in one event.
struct FieldChanges {
    /// What becomes of a field.
    enum Change<Value> {
        /// It stays as it is.
        case none
        case removed
        case value(Value)
    }

    var title = Change<String>.none
    var message = Change<String>.none
    var priority = Change<Int>.none
    var tags = Change<[String]>.none
    var timestamp = Change<Timestamp>.none
    var id = Change<String>.none
    var payload = Change<ByteBuffer>.none
    var subject = Change<String>.none

    /// Makes the changes.
    func apply(to draft: inout Draft) {
        Self.apply(self.title, to: &draft.title)
        Self.apply(self.message, to: &draft.message, removed: "")
        Self.apply(self.priority, to: &draft.priority)
        Self.apply(self.tags, to: &draft.tags, removed: [])
        Self.apply(self.timestamp, to: &draft.timestamp)
        if case .removed = self.id { draft.id = EventID.generate() } else { Self.apply(self.id, to: &draft.id) }
        Self.apply(self.payload, to: &draft.payload)
        Self.apply(self.subject, to: &draft.subject, removed: "")
    }

    private static func apply<Value>(_ change: Change<Value>, to field: inout Value?, removed: Value? = nil) {
        switch change {
        case .none: break
        case .removed: field = removed
        case .value(let value): field = value
        }
    }

    private static func apply<Value>(_ change: Change<Value>, to field: inout Value, removed: Value) {
        switch change {
        case .none: break
        case .removed: field = removed
        case .value(let value): field = value
        }
    }
}
