import NIOCore

/// `set:` of a case: the fields of the event that do not come from ``Normaliser``'s automatic reading.
///
/// A field whose source has no value in an event stays as it is. So does one whose source fails, and that is a
/// ``FieldFailure``.
struct CaseFields: SettingGroup {
    private var title: FieldSource?
    private var message: FieldSource?
    private var priority: FieldSource?
    private var tags: FieldSource?
    private var timestamp: FieldSource?
    private var id: FieldSource?
    private var payload: FieldSource?
    private var subject: FieldSource?

    /// The keys of `set`; `null` removes a field.
    static let settings = Settings<Self> {
        Setting("title", \.title, .field(.title), "Title of the event").example("'{{ $segments[1] }} is {{ .payload.state }}'")
            .readingNothing()
        Setting("message", \.message, .field(.message), "Message of the event").example("{ fields: .payload }").readingNothing()
        Setting("priority", \.priority, .field(.priority), "Priority of the event, a number or a word").example(
            "{ from: .payload.state, map: { offline: 4 }, default: 2 }"
        ).readingNothing()
        Setting("tags", \.tags, .field(.tags), "Tags of the event, a list or a text with commas").example("[door, home]")
            .readingNothing()
        Setting("timestamp", \.timestamp, .field(.timestamp), "Time of the event").example(
            "{ from: .payload.time, zone: Europe/Berlin }"
        ).readingNothing()
        Setting("id", \.id, .field(.id), "Identifier of the event").example("{ from: .payload.id }").readingNothing()
        Setting("payload", \.payload, .field(.payload), "Payload of the event").example("{ from: .payload.data }")
            .readingNothing()
        Setting("subject", \.subject, .field(.subject), "Subject of the event").example("{ from: .payload.topic }")
            .readingNothing()
    }

    init() {}

    func validate() throws {
        guard self.sources.isEmpty else { return }
        let known = Self.settings.declarations.map(\.name).joined(separator: ", ")
        throw SettingError("sets nothing; there are \(known)")
    }

    private var sources: [FieldSource] {
        [self.title, self.message, self.priority, self.tags, self.timestamp, self.id, self.payload, self.subject].compactMap {
            $0
        }
    }

    /// Whether it changes the subject.
    var setsSubject: Bool { self.subject != nil }

    /// The parts of all templates and paths.
    var parts: [Template.Part] { self.sources.flatMap(\.parts) }

    /// The fields whose value is the same for all messages of a subject, and the others.
    ///
    /// An id is never the same.
    var bySubject: (fixed: Self, varying: Self) {
        var (fixed, varying) = (Self(), Self())
        func divide(_ field: WritableKeyPath<Self, FieldSource?>) {
            guard let source = self[keyPath: field] else { return }
            if source.needsOnlySubject { fixed[keyPath: field] = source } else { varying[keyPath: field] = source }
        }
        for field in [\Self.title, \.message, \.priority, \.tags, \.timestamp, \.payload, \.subject] { divide(field) }
        varying.id = self.id
        return (fixed, varying)
    }

    /// Whether there is no field.
    var isEmpty: Bool { self.sources.isEmpty }

    /// The values of the fields for the event that the reader holds.
    ///
    /// - Parameter place: where this is below `normalise` in the file.
    func changes(_ reader: EventReader, at place: String, failures: inout [FieldFailure]) -> FieldChanges {
        func read<Value>(
            _ source: FieldSource?, _ field: EventField, _ change: inout FieldChanges.Change<Value>,
            _ value: (FieldSource) throws -> Value?
        ) {
            guard let source else { return }
            if case .nothing = source { return change = .removed }
            do {
                if let value = try value(source) { change = .value(value) }
            } catch {
                failures.append(FieldFailure(field: "\(place).\(field)", reason: "\(error)"))
            }
        }
        var changes = FieldChanges()
        read(self.title, .title, &changes.title) { try $0.text(reader) }
        read(self.message, .message, &changes.message) { try $0.text(reader) }
        read(self.subject, .subject, &changes.subject) { try $0.text(reader).map(SafeText.line) }
        read(self.priority, .priority, &changes.priority) { source in
            try Self.valid(source.text(reader), "a priority", PriorityText.read)
        }
        read(self.tags, .tags, &changes.tags) { try Self.tags($0, reader) }
        read(self.timestamp, .timestamp, &changes.timestamp) { try Self.timestamp($0, reader) }
        read(self.id, .id, &changes.id) { source in
            try Self.valid(source.text(reader), "an id that an event can have", EventID.legal)
        }
        read(self.payload, .payload, &changes.payload) { try Self.payload($0, reader) }
        return changes
    }

    /// - Throws: ``ExpressionError`` for a text that is not what the field takes.
    private static func valid<Value>(_ text: String?, _ wanted: String, _ read: (String) -> Value?) throws -> Value? {
        guard let text else { return nil }
        guard let value = read(text) else { throw ExpressionError("'\(text.prefix(100))' is not \(wanted)") }
        return value
    }

    private static func timestamp(_ source: FieldSource, _ reader: EventReader) throws -> Timestamp? {
        var zone: LocalZone?
        if case .lookup(let lookup) = source { zone = lookup.zone }
        let text = try source.text(reader)
        let time = try self.valid(text, "a time, such as 2026-11-30T18:00:00Z or a number since 1970") { text in
            zone.flatMap { Timestamp(local: text, in: $0) } ?? Timestamp(lenient: text)
        }
        guard let text, let time, !time.isPlausible else { return time }
        if case .template(let template) = source, template.constant != nil { return time }
        throw ExpressionError("'\(text.prefix(100))' is not a time from 2000 to 2099; the sender's clock may not be set")
    }

    private static func tags(_ source: FieldSource, _ reader: EventReader) throws -> [String]? {
        if case .list(let sources) = source { return sources.isEmpty ? [] : try source.texts(reader) }
        let texts = try source.texts(reader)
        guard texts.count == 1, case .template = source else { return texts.isEmpty ? nil : texts }
        return JSONFields.array(texts[0]) ?? JSONFields.tags(texts[0])
    }

    private static func payload(_ source: FieldSource, _ reader: EventReader) throws -> ByteBuffer? {
        switch source {
        case .template(let template):
            var json = ByteBuffer()
            return try template.writeJSON(reader, to: &json) ? json : nil
        case .json(let json): return try json.render(reader)
        case .lookup(let lookup) where lookup.isWhole:
            return try Shaping.json(lookup.part, reader)
        default: return try source.text(reader).map { ByteBuffer(string: JSONText.string($0)) }
        }
    }
}
