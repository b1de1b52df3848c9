/// A text body: the text, and the level that its first words state.
enum TextShape {
    /// How many bytes are searched for a level.
    private static let head = 96

    /// Makes the draft of a text.
    ///
    /// - Parameters:
    ///   - text: the whole body.
    ///   - subject: the message's.
    ///   - name: the name in the subject.
    static func draft(_ text: String, subject: String, name: String) -> Draft {
        var draft = Draft()
        draft.title = name
        draft.message = self.withoutEscapes(text)
        if let word = SeverityWord(text) {
            draft.priority = word.priority == 3 ? nil : word.priority
            if word.isAvailability, SubjectName.isAvailability(subject) {
                draft.title = "\(name) is \(text.trimmingSpaces)"
            }
        } else if let isTrue = self.isTrue(text) {
            if SubjectName.isOnline(subject) {
                draft.title = "\(name) is \(isTrue ? "online" : "offline")"
                draft.priority = isTrue ? 2 : 4
            } else if isTrue {
                draft.priority = SubjectName.hazard(subject)
            }
        } else if let message = draft.message {
            draft.priority = self.priority(message)
        }
        return draft
    }

    /// Whether a sensor reports a condition; `nil` for any other text.
    private static func isTrue(_ text: String) -> Bool? {
        guard text.utf8.count <= 8 else { return nil }
        return switch text.trimmingSpaces.lowercased() {
        case "true", "on", "yes", "detected", "wet", "alarm": true
        case "false", "off", "no", "clear", "dry": false
        default: nil
        }
    }

    /// The priority of a level as in log lines (`[ERROR]`, `WARN:`, `CRITICAL -`, `level=error`, `[🔴 Down]`), or of an
    /// ending such as `is down`.
    static func priority(_ text: String) -> Int? {
        var text = text
        return text.withUTF8 { bytes in self.stated(bytes.prefix(self.head)) ?? self.ending(bytes) }
    }

    /// The first level among the words of a head.
    private static func stated(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        var start = bytes.startIndex
        var isBracketed = false
        var index = start
        while index <= bytes.endIndex {
            let byte = index < bytes.endIndex ? bytes[index] : UInt8(ascii: " ")
            guard self.isSeparator(byte) else {
                index += 1
                continue
            }
            let token = bytes[start..<index]
            if let priority = self.priority(of: token, isLastInBrackets: isBracketed && byte == UInt8(ascii: "]")) {
                return priority
            }
            if byte == UInt8(ascii: "[") { isBracketed = true } else if byte == UInt8(ascii: "]") { isBracketed = false }
            index += 1
            start = index
        }
        return nil
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00...0x20, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "|"), UInt8(ascii: ","),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"):
            true
        default: false
        }
    }

    /// The priority of one word: in lower case, a word is part of a sentence unless it ends a bracket.
    private static func priority(of token: Slice<UnsafeBufferPointer<UInt8>>, isLastInBrackets: Bool) -> Int? {
        guard token.count >= 3, token.count <= 32, let first = token.first else { return nil }
        if first == UInt8(ascii: "l") || first == UInt8(ascii: "s"), let equals = token.firstIndex(of: UInt8(ascii: "=")) {
            let name = String(decoding: token[..<equals], as: UTF8.self)
            guard name == "level" || name == "lvl" || name == "severity" else { return nil }
            return SeverityWord(String(decoding: token[(equals + 1)...].filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self))?
                .priority
        }
        let isUpperCase = token.allSatisfy { (0x41...0x5A).contains($0) }
        guard isUpperCase || isLastInBrackets, let word = SeverityWord(String(decoding: token, as: UTF8.self)) else { return nil }
        return word.priority
    }

    /// The priority of a short text that ends in `is down`, `has failed` and the like.
    private static func ending(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard bytes.count <= 200, bytes.count >= 8 else { return nil }
        var end = bytes.count
        while end > 0, bytes[end - 1] <= 0x20 || bytes[end - 1] == UInt8(ascii: ".") || bytes[end - 1] == UInt8(ascii: "!") {
            end -= 1
        }
        guard let space = bytes[..<end].lastIndex(of: 0x20), end - space <= 21, space >= 3 else { return nil }
        let verb = bytes[max(0, space - 4)..<space]
        guard verb.elementsEqual(" has".utf8) || verb.dropFirst().elementsEqual(" is".utf8),
            let word = SeverityWord(String(decoding: bytes[(space + 1)..<end], as: UTF8.self)), word.priority >= 4
        else { return nil }
        return word.priority
    }

    /// Without the escape sequences that colour a terminal (ECMA-48 §8.3.117).
    private static func withoutEscapes(_ text: String) -> String {
        guard text.utf8.contains(0x1B) else { return text }
        var kept: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 0x1B, bytes.first == UInt8(ascii: "[") else {
                kept.append(byte)
                continue
            }
            bytes = bytes.dropFirst().drop { $0 < 0x40 }.dropFirst()
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
