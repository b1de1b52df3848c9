/// The source's own mapping: templates for the fields of its events.
///
/// They see the event as it is without them. An empty result leaves the field unchanged. So does a failure, or a result
/// that is invalid for the field, and it is a ``FieldFailure``.
struct FieldMapping {
    private let settings: NormaliseSettings
    /// Its templates.
    let templates: [Template]

    /// `nil` when the settings map nothing.
    init?(_ settings: NormaliseSettings) {
        let templates = [settings.title, settings.message, settings.priority, settings.tags, settings.id, settings.timestamp]
        self.templates = templates.compactMap { $0 }
        guard !self.templates.isEmpty else { return nil }
        self.settings = settings
    }

    /// Applies the templates to the draft of the event that the reader holds.
    ///
    /// - Parameter failures: get the fields that could not be made, which are as they were.
    func apply(to draft: inout Draft, _ reader: EventReader, failures: inout [FieldFailure]) {
        /// - Returns: `nil` for what renders empty or fails.
        func value<Value>(_ template: Template?, _ field: String, _ read: (String) -> Value?, _ wanted: String) -> Value? {
            guard let template else { return nil }
            let text: String
            do { text = try template.render(reader) } catch {
                failures.append(FieldFailure(field: self.settings.name(of: field), reason: "\(error)"))
                return nil
            }
            guard !text.isEmpty else { return nil }
            if let value = read(text) { return value }
            failures.append(
                FieldFailure(field: self.settings.name(of: field), reason: "'\(text.prefix(100))' is not \(wanted)"))
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
    }
}
