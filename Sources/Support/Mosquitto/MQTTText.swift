/// Text in MQTT packets other than payloads (MQTT 5 §1.5.4).
package enum MQTTText {
    /// Replaces by spaces what a broker may end the connection for.
    ///
    /// Otherwise the message would be retried forever, and libmosquitto cuts text at NUL.
    package static func harmless(_ text: String) -> String {
        if self.isPlain(text) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(self.isHarmless(scalar) ? scalar : " ") }
        return String(result)
    }

    /// Whether every broker accepts every character of a text.
    package static func isHarmless(_ text: String) -> Bool {
        self.isPlain(text) || text.unicodeScalars.allSatisfy { self.isHarmless($0) }
    }

    /// Whether a text is printable ASCII, as most are; decided by its bytes.
    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } }

    /// Whether every broker accepts a character: NUL is forbidden, and a broker may refuse other control characters and
    /// non-characters, as mosquitto does.
    package static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": false
        default: !scalar.properties.isNoncharacterCodePoint
        }
    }
}
