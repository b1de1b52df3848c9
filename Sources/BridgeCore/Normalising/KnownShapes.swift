import JSON

/// Bodies of well-known senders, recognised by members that hardly any other body has.
///
/// Checked before the heuristic, which would treat their metadata as content.
enum KnownShapes {
    static func draft(_ root: JSONElement) -> Draft? {
        self.cloudEvent(root) ?? self.ntfy(root) ?? self.gotify(root) ?? AlertmanagerShape.draft(root)
            ?? HomeAssistantShape.draft(root)
    }

    /// CloudEvents 1.0, JSON format §3: `specversion`, `type`, `source` and `id` are required there.
    private static func cloudEvent(_ root: JSONElement) -> Draft? {
        guard root["specversion"]?.string != nil, let type = JSONFields.text(root["type"]), root["source"]?.string != nil else {
            return nil
        }
        var draft = Draft()
        draft.id = JSONFields.text(root["id"])
        draft.timestamp = JSONFields.timestamp(root["time"])
        draft.title = JSONFields.text(root["subject"]) ?? type
        if let data = root["data"], data.kind == .object {
            let scan = FieldScan(data)
            draft.title = scan.title ?? draft.title
            draft.message = scan.message ?? FieldSentence.of(data, title: draft.title)
            draft.priority = scan.priority
        } else if let data = root["data"] {
            draft.message = FieldSentence.of(data, title: draft.title) ?? JSONFields.text(data)
        }
        draft.message = draft.message ?? type
        return draft
    }

    /// The JSON of ntfy's stream: `event`, `topic` and a `time` in seconds.
    private static func ntfy(_ root: JSONElement) -> Draft? {
        guard root["event"]?.string == "message", let topic = JSONFields.text(root["topic"]), root["time"]?.double != nil else {
            return nil
        }
        var draft = Draft()
        draft.id = JSONFields.text(root["id"])
        draft.title = JSONFields.text(root["title"]) ?? topic
        draft.message = root["message"]?.string ?? ""
        draft.timestamp = JSONFields.timestamp(root["time"])
        return draft
    }

    /// The JSON of Gotify's stream: `appid`, `message`, a priority from 0 to 10 and a `date`.
    private static func gotify(_ root: JSONElement) -> Draft? {
        guard root["appid"]?.double != nil, let message = root["message"]?.string else { return nil }
        var draft = Draft()
        draft.title = JSONFields.text(root["title"])
        draft.message = message
        draft.timestamp = JSONFields.timestamp(root["date"])
        if let priority = root["priority"]?.double {
            // Gotify's bands: 0 min, 1–3 low, 4–7 normal, 8–9 high, 10 above all.
            draft.priority =
                switch priority {
                case ..<1: 1
                case ..<4: 2
                case ..<8: 3
                case ..<10: 4
                default: 5
                }
        }
        return draft
    }
}
