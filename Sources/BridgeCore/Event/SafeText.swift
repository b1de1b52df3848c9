/// Sanitises text so that it cannot break a protocol's framing.
enum SafeText {
    /// The text on one line: control characters and the line and paragraph separators become U+FFFD.
    static func line(_ text: String) -> String {
        if self.isPrintable(text) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
            result.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }

    /// Whether the text is ASCII without control characters.
    private static func isPrintable(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            for byte in bytes where byte < 0x20 || byte >= 0x7F { return false }
            return true
        }
    }
}
