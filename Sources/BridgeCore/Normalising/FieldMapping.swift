/// The source's own mapping: templates that say where a field comes from.
///
/// They see the event as it would be without them. What renders empty, or fails, leaves the field as it is.
struct FieldMapping {
    private let settings: NormaliseSettings
    private let reader = EventReader()
    private let expressions: [any Expression]

    /// `nil` when the settings map nothing.
    init?(_ settings: NormaliseSettings) {
        let templates = [settings.title, settings.message, settings.priority, settings.tags, settings.id, settings.timestamp]
        guard templates.contains(where: { $0 != nil }) else { return nil }
        self.settings = settings
        self.expressions = templates.compactMap { $0 }.flatMap(\.expressions).filter { $0.evaluator != nil }
    }

    func apply(to draft: inout Draft, as event: Event, now: Timestamp) {
        if self.expressions.count > 1 {
            self.reader.begin([event], now: now)
            self.reader.evaluateAhead(self.expressions.map { EvaluatedAhead.Request(expression: $0, event: 0, view: .template) })
        }
        defer { self.reader.endBatch() }
        self.reader.load(event, now: now)
        func rendered(_ template: Template?) -> String? {
            guard let text = try? template?.render(self.reader), !text.isEmpty else { return nil }
            return text
        }
        if let title = rendered(self.settings.title) { draft.title = title }
        if let message = rendered(self.settings.message) { draft.message = message }
        if let tags = rendered(self.settings.tags) { draft.tags = JSONFields.array(tags) ?? JSONFields.tags(tags) }
        if let id = rendered(self.settings.id) { draft.id = id }
        if self.settings.priority != nil {
            draft.priority = rendered(self.settings.priority).flatMap { Double($0) }.map { JSONFields.priority($0) }
        }
        if let text = rendered(self.settings.timestamp) {
            draft.timestamp = Timestamp(rfc3339: text) ?? Double(text).flatMap { JSONFields.timestamp($0) } ?? draft.timestamp
        }
    }
}
