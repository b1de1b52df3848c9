import JSON

/// Forms of Twilio: messages that come in, the status of messages that go out, and calls.
///
/// https://www.twilio.com/docs/messaging/guides/webhook-request and https://www.twilio.com/docs/voice/twiml#request-parameters
enum TwilioShape {
    /// Makes the draft of such a form; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard root["AccountSid"] != nil else { return nil }
        let from = JSONFields.text(root["From"]) ?? "unknown"
        var draft = Draft()
        if root["CallSid"] != nil, let status = JSONFields.text(root["CallStatus"]) {
            draft.title = "Call from \(from)"
            draft.message = [status, JSONFields.text(root["To"]).map { "to \($0)" }].compactMap(\.self).joined(separator: " ")
            draft.priority = ["failed", "busy", "no-answer"].contains(status) ? 4 : nil
        } else if root["MessageSid"] != nil || root["SmsSid"] != nil {
            let status = JSONFields.text(root["MessageStatus"])
            if let body = JSONFields.text(root["Body"]) {
                draft.title = "Message from \(from)"
                draft.message = body
            } else if let status {
                draft.title = "Message to \(JSONFields.text(root["To"]) ?? "unknown")"
                let code = JSONFields.text(root["ErrorCode"]).map { "error \($0)" }
                draft.message = [status, code].compactMap(\.self).joined(separator: ", ")
            } else {
                draft.title = "Message from \(from)"
                draft.message = "\(root["NumMedia"]?.text() ?? "no") pictures"
            }
            draft.priority = status == "failed" || status == "undelivered" ? 4 : nil
        } else {
            return nil
        }
        return draft
    }
}
