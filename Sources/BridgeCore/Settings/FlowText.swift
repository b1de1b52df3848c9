/// Writes text as one scalar of YAML, which reads as the same text wherever it is.
package enum FlowText {
    /// Plain where nothing can read it as something else; otherwise in quotes, in double ones for control characters.
    package static func scalar(_ text: String) -> String {
        guard !self.isPlain(text) else { return text }
        let isPrintable = text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && !Self.breaks.contains($0.value)
        }
        guard isPrintable else { return self.escaped(text) }
        return "'\(text.replacing("'", with: "''"))'"
    }

    /// Line ends of YAML 1.1, the byte order mark, and what parsers refuse.
    private static let breaks: Set<UInt32> = [0x85, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF]

    /// In double quotes; YAML has every escape of JSON (YAML 1.2.2 §5.7).
    private static func escaped(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || self.breaks.contains(scalar.value):
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether a text begins with a letter or a slash, has only characters without a meaning, and is no word for another type.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, self.isLetter(first) || first == UInt8(ascii: "/"),
            !self.words.contains(text.lowercased())
        else { return false }
        return text.utf8.allSatisfy { self.isLetter($0) || (0x30...0x39).contains($0) || "_-./+@".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }

    private static let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
}
