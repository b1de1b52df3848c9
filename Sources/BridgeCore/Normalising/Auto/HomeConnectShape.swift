import JSON

/// Changes of a household appliance as the event stream of Home Connect has them: `haId`, and `items` with keys and values.
///
/// https://api-docs.home-connect.com/events
enum HomeConnectShape {
    /// How many items the message lists.
    private static let limit = 10

    /// Makes the draft of such changes; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard let appliance = JSONFields.text(root["haId"]), let items = root["items"], items.kind == .array,
            JSONFields.text(items[0]?["key"]) != nil
        else { return nil }
        var draft = Draft()
        var texts: [String] = []
        var priority = 0
        items.forEachItem { item in
            guard let key = JSONFields.text(item["key"]) else { return }
            priority = max(priority, self.priority(of: item, key) ?? 0)
            guard texts.count < self.limit else { return }
            let value = JSONFields.text(item["value"]) ?? item["value"]?.text() ?? ""
            let unit = JSONFields.text(item["unit"]).map { $0 == "enum" ? "" : " \($0)" } ?? ""
            texts.append("\(self.last(of: key)): \(value.contains(".EnumType.") ? self.last(of: value) : value + unit)")
        }
        if items.count > self.limit { texts.append("…") }
        draft.title = appliance
        draft.message = texts.joined(separator: ", ")
        draft.priority = priority > 0 ? priority : nil
        draft.timestamp = items[0]?["timestamp"].flatMap { JSONFields.time($0) }
        return draft
    }

    /// The priority of an event that begins or ends; `nil` for others, such as the progress of a program.
    private static func priority(of item: JSONElement, _ key: String) -> Int? {
        guard let value = item["value"]?.string, value.contains("EventPresentState.") else { return nil }
        guard value.hasSuffix(".Present") else { return 2 }
        let level = JSONFields.text(item["level"]).flatMap { SeverityWord($0)?.priority } ?? 3
        return max(level, self.last(of: key).contains("Alarm") ? 4 : 3)
    }

    private static func last(of name: String) -> String { String(name.split(separator: ".").last ?? "") }
}
