import BridgeCore

/// The messages of libjq's compiler in readable form: without its prefixes, without the advice on shells, and without
/// the quoted program, which begins with our own prefix.
enum JQMessages {
    /// - Parameter messages: as libjq's error callback got them.
    static func error(from messages: [String]) -> ExpressionError {
        var texts: [String] = []
        var line: Int?
        for message in messages {
            guard let (text, place) = Self.parse(message) else { continue }
            if let name = Self.refusedFunction(text) {
                return ExpressionError("\(name) is not available in expressions: they see the event and nothing else")
            }
            if !texts.contains(text) { texts.append(text) }
            line = line ?? place
        }
        return ExpressionError(texts.isEmpty ? "jq cannot compile this" : texts.joined(separator: "; "), line: line)
    }

    /// - Returns: `nil` for the closing line that counts the errors.
    private static func parse(_ message: String) -> (text: String, line: Int?)? {
        let prefix = "jq: error: "
        guard message.hasPrefix(prefix) else {
            return message.hasPrefix("jq: ") && message.contains("compile error") ? nil : (message, nil)
        }
        var text = message.dropFirst(prefix.count)
        var line: Int?
        let place = " at <top-level>, line "
        if let start = Self.firstRange(of: place, in: text) {
            line = Int(text[start.upperBound...].prefix { $0.isASCII && $0.isNumber })
            text = text[..<start.lowerBound]
        }
        let advice = " (Unix shell quoting issues?)"
        if text.hasSuffix(advice) { text = text.dropLast(advice.count) }
        return (Self.plain(String(text)), line)
    }

    /// The names of libjq's grammar in words.
    private static func plain(_ text: String) -> String {
        if text.contains("expecting QQSTRING_TEXT") { return "syntax error, a string is not closed" }
        var words: [Substring] = []
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let comma = word.hasSuffix(",")
            let plain: Substring =
                switch comma ? word.dropLast() : word {
                case "$end": "the end"
                case "INVALID_CHARACTER": "a character or bracket that does not belong here"
                case "IDENT": "a name"
                case "FIELD": "a field"
                case "LITERAL": "a number"
                case "FORMAT": "a format"
                case "QQSTRING_START": "a string"
                default: comma ? word.dropLast() : word
                }
            words.append(comma ? plain + "," : plain)
        }
        return words.joined(separator: " ")
    }

    private static func refusedFunction(_ text: String) -> Substring? {
        guard text.hasPrefix(JQProgramText.refusal) else { return nil }
        return text.dropFirst(JQProgramText.refusal.count).prefix { $0 != " " }
    }

    private static func firstRange(of needle: String, in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let rest = text[index...]
            if rest.hasPrefix(needle) { return index..<text.index(index, offsetBy: needle.count) }
            index = text.index(after: index)
        }
        return nil
    }
}
