import BridgeCore

/// Text as MQTT 5 carries it beside a payload.
enum MQTTText {
    /// Replaces by spaces what a broker ends the connection for.
    ///
    /// The message would be tried for ever otherwise, and libmosquitto cuts a text at NUL.
    static func harmless(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(self.isHarmless(scalar) ? scalar : " ") }
        return String(result)
    }

    /// Whether a broker takes every character of a text.
    static func isHarmless(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { self.isHarmless($0) } }

    /// MQTT 5 §1.5.4 forbids NUL and lets a broker refuse other control characters and non-characters, as mosquitto does.
    static func isHarmless(_ scalar: Unicode.Scalar) -> Bool { scalar.isHarmless }
}
