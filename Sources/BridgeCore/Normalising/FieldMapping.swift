/// The source's own mapping: templates for the fields of its events.
///
/// They see the event as it is without them. An empty result leaves the field unchanged. So does a failure, or a result
/// that is invalid for the field, and it is a ``Failure``.
struct FieldMapping {
    private let settings: NormaliseSettings
    private let reader = EventReader()
    /// The templates that need an evaluator.
    private let evaluated: [Template]

    /// `nil` when the settings map nothing.
    init?(_ settings: NormaliseSettings) {
        let templates = [settings.title, settings.message, settings.priority, settings.tags, settings.id, settings.timestamp]
        guard templates.contains(where: { $0 != nil }) else { return nil }
        self.settings = settings
        self.evaluated = templates.compactMap { $0 }.filter(\.isEvaluated)
    }

    /// A field that could not be made.
    struct Failure: Sendable, Equatable {
        /// Its name in the file.
        let field: String
        let reason: String
    }

    /// Whether it has expressions that benefit from an evaluation in batches.
    var evaluatesAhead: Bool { !self.evaluated.isEmpty }

    /// Evaluates the expressions for the events of a batch, which ``apply(to:as:now:)`` then gets one by one.
    func begin(_ events: [Event], now: Timestamp) {
        self.reader.begin(events, now: now)
        self.reader.evaluateAhead(self.evaluated, ofEvents: events.count)
    }

    func endBatch() {
        self.reader.endBatch()
    }

    /// Applies the templates.
    ///
    /// - Returns: the fields that could not be made, which are as they were.
    func apply(to draft: inout Draft, as event: Event, now: Timestamp) -> [Failure] {
        let isAlone = self.reader.batch == nil && self.evaluated.count > 1
        if isAlone { self.begin([event], now: now) }
        defer { if isAlone { self.reader.endBatch() } }
        self.reader.load(event, now: now)
        var failures: [Failure] = []
        /// - Returns: `nil` for what renders empty or fails.
        func value<Value>(_ template: Template?, _ field: String, _ read: (String) -> Value?, _ wanted: String) -> Value? {
            guard let template else { return nil }
            let text: String
            do { text = try template.render(self.reader) } catch {
                failures.append(Failure(field: field, reason: "\(error)"))
                return nil
            }
            guard !text.isEmpty else { return nil }
            if let value = read(text) { return value }
            failures.append(Failure(field: field, reason: "'\(text.prefix(100))' is not \(wanted)"))
            return nil
        }
        if let title = value(self.settings.title, "title", { $0 }, "") { draft.title = title }
        if let message = value(self.settings.message, "message", { $0 }, "") { draft.message = message }
        if let tags = value(self.settings.tags, "tags", { JSONFields.array($0) ?? JSONFields.tags($0) }, "") { draft.tags = tags }
        if let id = value(self.settings.id, "id", { EventID.isLegal($0) ? $0 : nil }, "an id that an event can have") {
            draft.id = id
        }
        if self.settings.priority != nil {
            let before = failures.count
            let priority = value(self.settings.priority, "priority", { PriorityText.rendered($0) }, "a priority")
            // An empty result removes the priority.
            if priority != nil || failures.count == before { draft.priority = priority }
        }
        let timestamp = value(
            self.settings.timestamp, "timestamp",
            { Timestamp(rfc3339: $0) ?? Double($0).flatMap { JSONFields.timestamp($0) } }, "RFC 3339 or a number since 1970")
        if let timestamp { draft.timestamp = timestamp }
        return failures
    }
}
