import CMosquitto

/// The reason codes of MQTT 5 (§2.4).
package enum MQTTReasonCode {
    /// The code and the words of the specification for it, such as `reason code 135: Not authorized`.
    package static func text(_ code: Int32) -> String {
        let text = String(cString: mosquitto_reason_string(code))
        return "reason code \(code): \(text.last == "." ? String(text.dropLast()) : text)"
    }
}
