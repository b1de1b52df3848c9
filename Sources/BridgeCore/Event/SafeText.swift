/// Sanitises text so that it cannot break a protocol's framing.
package enum SafeText {
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

    /// The text as a sentence of a log or a terminal: on one line, and without the controls that change the direction of writing
    /// (UAX #9 §2), which become U+FFFD as well.
    package static func sentence(_ text: String) -> String {
        let line = self.line(text)
        guard line.unicodeScalars.contains(where: Self.changesDirection) else { return line }
        var result = String.UnicodeScalarView()
        for scalar in line.unicodeScalars { result.append(Self.changesDirection(scalar) ? "\u{FFFD}" : scalar) }
        return String(result)
    }

    private static func changesDirection(_ scalar: Unicode.Scalar) -> Bool {
        ("\u{202A}"..."\u{202E}").contains(scalar) || ("\u{2066}"..."\u{2069}").contains(scalar)
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
