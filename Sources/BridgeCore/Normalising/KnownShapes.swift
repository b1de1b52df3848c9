import JSON

/// Bodies of well-known senders, recognised by members that hardly any other body has.
///
/// Checked before the heuristic, which would treat their metadata as content.
enum KnownShapes {
    static func draft(_ root: JSONElement) -> Draft? {
        // Most bodies have no such member, and each shape costs a search for its own.
        var rest = self.candidates(root)
        while rest != 0 {
            if let draft = self.shapes[rest.trailingZeroBitCount].shape(root) { return draft }
            rest &= rest - 1
        }
        return nil
    }

    private typealias Shape = @Sendable (JSONElement) -> Draft?

    /// The shapes by a member that each of their bodies has, the first that counts first.
    private static let shapes: [(member: StaticString, shape: Shape)] = [
        ("specversion", Self.cloudEvent), ("topic", Self.ntfy), ("appid", Self.gotify), ("commonLabels", AlertmanagerShape.draft),
        ("event_type", HomeAssistantShape.draft), ("end_device_ids", RadioShape.draft), ("model", RadioShape.draft),
        ("push", BitbucketShape.draft), ("order_key", ShopShape.draft), ("AccountSid", TwilioShape.draft),
        ("TopicArn", NotificationServiceShape.draft), ("qualityGate", SonarQubeShape.draft), ("haId", HomeConnectShape.draft),
        ("workflow", N8NShape.draft),
    ]

    /// The lengths of these names, as bits.
    private static let lengths: UInt32 = Self.shapes.reduce(0) { $0 | 1 << UInt32($1.member.utf8CodeUnitCount) }

    /// The shapes whose member a body has, as bits.
    private static func candidates(_ root: JSONElement) -> UInt32 {
        var found: UInt32 = 0
        root.whileMembers { name, _ in
            guard name.count < 32, self.lengths & 1 << UInt32(name.count) != 0 else { return true }
            for (index, entry) in self.shapes.enumerated() where self.isSame(name, entry.member) { found |= 1 << UInt32(index) }
            return true
        }
        return found
    }

    private static func isSame(_ name: Span<UInt8>, _ text: StaticString) -> Bool {
        guard name.count == text.utf8CodeUnitCount else { return false }
        for index in name.indices where name[index] != text.utf8Start[index] { return false }
        return true
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
