/// Text that cannot forge a protocol's framing.
enum SafeText {
    /// The text on one line: control characters and the line and paragraph separators become U+FFFD.
    static func line(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
            result.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }
}
