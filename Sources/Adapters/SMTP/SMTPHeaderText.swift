/// Writes texts as values of mail headers (RFC 5322 §2.2, RFC 2047).
///
/// A text becomes one line or several that fold; whatever it contains, it cannot begin another header.
enum SMTPHeaderText {
    /// The longest line of a header with encoded words (RFC 2047 §2); others may be two characters longer.
    private static let line = 76
    /// The longest encoded word (RFC 2047 §2).
    private static let word = 75
    private static let prefix = "=?UTF-8?B?"
    private static let suffix = "?="

    /// The longest text that is written, in bytes; the rest is cut.
    static let longest = 1000

    /// Any text as the value of a header.
    ///
    /// - Parameter used: how many characters precede the value in its line, such as those of `Subject: `.
    static func unstructured(_ text: String, after used: Int) -> String {
        let clean = self.clean(text)
        guard self.isPlain(clean) else { return self.encoded(clean, after: used) }
        return self.folded(clean, after: used) ?? self.encoded(clean, after: used)
    }

    /// A name in front of an address: a quoted string, or encoded words (RFC 5322 §3.2.4).
    static func phrase(_ text: String, after used: Int) -> String {
        let clean = self.clean(text)
        guard self.isPlain(clean), clean.utf8.count + used < self.line - 2 else { return self.encoded(clean, after: used) }
        var quoted = "\""
        for character in clean {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }

    /// A text without control characters and without white space at its ends, cut to ``longest``.
    static func clean(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars {
            let isControl =
                scalar.value < 32 || (127...159).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
            let kept: Unicode.Scalar = isControl ? " " : scalar
            // A line end and its space are one space, and none begins a text.
            if kept == " ", result.last == " " || result.isEmpty { continue }
            length += UTF8.width(kept)
            guard length <= self.longest else {
                result.append("…")
                break
            }
            result.append(kept)
        }
        if result.last == " " { result.removeLast() }
        return String(result)
    }

    /// Whether a text can be written as it is: printable ASCII that does not look encoded.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 32 && $0 < 127 } && !text.contains("=?")
    }

    /// The words of a text in lines of at most 78 characters; `nil` if a word is too long.
    private static func folded(_ text: String, after used: Int) -> String? {
        var result = ""
        var column = used
        for (index, word) in text.split(separator: " ").enumerated() {
            let count = word.utf8.count
            guard count < self.line else { return nil }
            if index > 0 {
                if column + 1 + count > 78 {
                    result += "\r\n"
                    column = 0
                }
                result += " "
                column += 1
            }
            result += word
            column += count
        }
        return result
    }

    /// The text in encoded words, one in each line; no character is divided (RFC 2047 §5).
    private static func encoded(_ text: String, after used: Int) -> String {
        var words: [String] = []
        var bytes: [UInt8] = []
        func room() -> Int {
            let width = min(self.word, self.line - (words.isEmpty ? used : 1)) - self.prefix.utf8.count - self.suffix.utf8.count
            return max(4, width / 4 * 3)
        }
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > room() {
                words.append(self.prefix + SMTPBodyCoding.base64(bytes) + self.suffix)
                bytes = []
            }
            bytes += next
        }
        if !bytes.isEmpty { words.append(self.prefix + SMTPBodyCoding.base64(bytes) + self.suffix) }
        return words.joined(separator: "\r\n ")
    }
}
