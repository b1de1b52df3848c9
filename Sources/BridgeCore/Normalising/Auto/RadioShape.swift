import JSON

/// Sensors on radio: uplinks of The Things Stack (LoRaWAN), and what rtl_433 decodes.
enum RadioShape {
    /// What says how a message was received, not what it says.
    private static let reception: Set<String> = [
        "time", "model", "id", "mic", "mod", "freq", "freq1", "freq2", "rssi", "snr", "noise", "protocol", "sequence_num",
    ]

    /// Makes the draft of such a message; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        if let device = root["end_device_ids"] { return self.device(device, root) }
        guard let model = JSONFields.text(root["model"]), root["time"] != nil else { return nil }
        return self.sensor(model, root)
    }

    /// The Things Stack v3: `end_device_ids`, and a member for the kind of the message.
    ///
    /// https://www.thethingsindustries.com/docs/the-things-stack/concepts/data-formats/
    private static func device(_ ids: JSONElement, _ root: JSONElement) -> Draft? {
        guard let id = JSONFields.text(ids["device_id"]) else { return nil }
        var draft = Draft()
        draft.title = id
        draft.timestamp = root["received_at"].flatMap { JSONFields.time($0) }
        guard let uplink = root["uplink_message"] else {
            let kind = ["join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "location_solved"]
                .first { root[$0] != nil }
            draft.message = kind?.replacing("_", with: " ") ?? FieldSentence.of(root, title: id)
            draft.priority = kind == "downlink_failed" ? 4 : nil
            return draft
        }
        if let decoded = uplink["decoded_payload"] {
            draft.message = FieldSentence.of(decoded, title: id)
            draft.priority = decoded.kind == .object ? FieldScan(decoded).priority : nil
        }
        draft.message =
            draft.message ?? JSONFields.text(uplink["frm_payload"]).map { "port \(uplink["f_port"]?.text() ?? "0"): \($0)" }
        return draft
    }

    /// rtl_433, https://github.com/merbanan/rtl_433/blob/master/docs/DATA_FORMAT.md.
    private static func sensor(_ model: String, _ root: JSONElement) -> Draft? {
        guard root["mic"] != nil || root["battery_ok"] != nil || root["channel"] != nil || root["subtype"] != nil else {
            return nil
        }
        var draft = Draft()
        let id = root["id"]?.text() ?? ""
        draft.title = id.isEmpty ? model : "\(model) \(id)"
        draft.message = FieldSentence.of(root, title: model, without: self.reception)
        draft.priority = root["battery_ok"]?.double == 0 ? 4 : FieldScan(root).priority
        // Without a zone it is local to the receiver, which a reader elsewhere does not know.
        draft.timestamp = root["time"].flatMap { time in
            time.string.map { Timestamp(rfc3339: $0) } ?? time.double.flatMap { JSONFields.timestamp($0) }
        }
        return draft
    }
}
