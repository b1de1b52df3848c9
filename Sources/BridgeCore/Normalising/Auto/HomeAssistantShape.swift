import JSON

/// An event of Home Assistant's event stream and WebSocket API: `event_type`, `data`, `time_fired`.
enum HomeAssistantShape {
    /// Makes the draft of a change of state; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard root["event_type"]?.string == "state_changed", let data = root["data"],
            let entity = JSONFields.text(data["entity_id"])
        else { return nil }
        let new = data["new_state"]
        let before = JSONFields.text(data["old_state"]?["state"])
        let after = JSONFields.text(new?["state"])
        var draft = Draft()
        draft.title = JSONFields.text(new?["attributes"]?["friendly_name"]) ?? entity
        draft.message =
            switch (before, after) {
            case (let before?, let after?) where before != after: "\(before) → \(after)"
            case (_, let after?): after
            default: "removed"
            }
        draft.priority = after.flatMap { SeverityWord($0) }.flatMap { $0.isAvailability ? $0.priority : nil }
        draft.timestamp = (root["time_fired"] ?? new?["last_changed"]).flatMap { JSONFields.time($0) }
        return draft
    }
}
