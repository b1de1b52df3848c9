import BridgeCore

/// Finds mistakes in jq that is legal: fields that no event has, and comparisons that never change.
///
/// It reads the text, not the program that jq makes of it, so it is silent wherever the text could mean something else.
/// Performs no I/O.
enum ConditionChecks {
    /// What is surely wrong with a condition; `nil` when nothing is.
    ///
    /// - Parameter text: what stands under `when`.
    static func mistake(in text: String) -> String? {
        let text = text.trimmingSpaces
        if text.first == "\"", text.dropFirst().firstIndex(of: "\"") == text.indices.last, !text.contains("\\(") {
            return "is a text, which always holds; remove the inner quotes"
        }
        if Double(text) != nil { return "is a number, which always holds; write a comparison such as .priority >= 4" }
        if text.hasPrefix("not "), !text.contains("|") {
            return "'not' comes last in jq; write (\(text.dropFirst(4).trimmingSpaces) | not)"
        }
        return self.comparison(in: text) ?? self.unknownField(in: text)
    }

    /// A field that no event has, at the beginning of a path such as `.titel`, with the remedy.
    ///
    /// Nothing is said of what follows a pipe or a function with an argument, because `.` is another value there.
    static func unknownField(in text: String) -> String? {
        let fields = EventPath.fieldNames
        for name in self.fields(in: text) where !fields.contains(name) {
            if EventPath.variableNames.contains(name) || name == "topic" || name == "channel" {
                return "an event has no field '\(name)'; write $\(EventPath.variableNames.contains(name) ? name : "subject")"
            }
            if let near = NearestName.nearest(to: name, among: fields) {
                return "an event has no field '\(name)'; did you mean '.\(near)'?"
            }
            return "an event has no field '\(name)'; what a message contains is in the payload, so write .payload.\(name)"
        }
        return nil
    }

    /// A comparison whose result is the same for every event.
    private static func comparison(in text: String) -> String? {
        let words = text.split(separator: " ").map(String.init)
        for (index, word) in words.enumerated() where index > 0 && index + 1 < words.count {
            let (left, right) = (words[index - 1], words[index + 1].trimmingPrefix("(").prefix { $0 != ")" && $0 != "," })
            let isText = right.first == "\""
            switch word {
            case "==", "!=":
                if left.hasPrefix("$attributes."), right == "true" || right == "false" || Double(right) != nil {
                    return "attributes are texts; write \(left) \(word) \"\(right)\""
                }
                if left.hasSuffix(".priority"), left.count == 9, isText {
                    return "a priority is a number from 1 to 5; write it without quotes"
                }
            case "<", "<=", ">", ">=":
                let operand = right.dropFirst().prefix { $0 != "\"" }
                if isText, Double(operand) != nil {
                    return "\(right) is a text, and jq orders every text above every number; write \(operand) without quotes"
                }
            default: break
            }
        }
        return nil
    }

    /// The names at the beginning of each path, up to the first place where `.` may be another value.
    private static func fields(in text: String) -> [String] {
        var names: [String] = []
        var isQuoted = false
        var previous: Character = " "
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            index = text.index(after: index)
            defer { previous = character }
            if character == "\"" { isQuoted.toggle() }
            if isQuoted {
                // A backslash in a text may begin an interpolation.
                if character == "\\" { return names }
                continue
            }
            switch character {
            case "|", "#", "{": return names
            case "(" where previous.isLetter || previous.isNumber || previous == "_": return names
            case "." where !Self.endsValue(previous):
                let name = text[index...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                // `..` has no name, and `.5` is a number.
                guard let first = name.first, !first.isNumber else { continue }
                names.append(String(name))
            default: break
            }
        }
        return names
    }

    /// Whether a dot after this character reads a member of the value before it.
    private static func endsValue(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_]).\"?".contains(character)
    }
}
