import Glibc

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
        if let line = SyslogShape(text) {
            draft.title = line.title ?? name
            draft.message = line.message
            draft.priority = line.priority
            draft.timestamp = line.timestamp
            return draft
        }
        draft.timestamp = self.time(text)
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
    static func isTrue(_ text: String) -> Bool? {
        guard text.utf8.count <= 8 else { return nil }
        return switch text.trimmingSpaces.lowercased() {
        case "true", "on", "yes", "detected", "wet", "alarm", "1": true
        case "false", "off", "no", "clear", "dry", "0": false
        default: nil
        }
    }

    /// The priority of a level as in log lines (`[ERROR]`, `WARN:`, `CRITICAL -`, `level=error`, `[🔴 Down]`), or of an
    /// ending such as `is down`.
    static func priority(_ text: String) -> Int? {
        var text = text
        return text.withUTF8 { bytes in
            let head = bytes.prefix(self.head)
            return self.stated(head) ?? self.ending(bytes) ?? self.crash(bytes) ?? self.mark(head)
        }
    }

    /// Signs that senders put in front of a text, with the priority that they mean.
    private static let marks: [(sign: Unicode.Scalar, priority: Int)] = [
        ("🚨", 5), ("🔴", 4), ("❌", 4), ("⛔", 4), ("🛑", 4), ("⚠", 4), ("✅", 2), ("🟢", 2),
    ]

    /// The priority of the first sign in a head.
    private static func mark(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        guard bytes.contains(where: { $0 >= 0xE2 }) else { return nil }
        return String(decoding: bytes, as: UTF8.self).unicodeScalars.lazy.compactMap { scalar in
            self.marks.first { $0.sign == scalar }?.priority
        }.first
    }

    /// What the reports of programs that crashed begin with.
    private static let crashes: [StaticString] = [
        "Traceback (most recent call last)", "panic: ", "Exception in thread ", "Unhandled exception", "Segmentation fault",
    ]

    /// The priority of a crash report, which may follow a line of its own.
    private static func crash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        func begins(_ place: Int) -> Bool {
            self.crashes.contains { report in
                let rest = bytes[place...]
                return rest.count >= report.utf8CodeUnitCount
                    && memcmp(bytes.baseAddress! + place, report.utf8Start, report.utf8CodeUnitCount) == 0
            }
        }
        if begins(0) { return 4 }
        guard let line = bytes.prefix(400).firstIndex(of: 0x0A) else { return nil }
        return begins(line + 1) ? 4 : nil
    }

    /// The time at the start of a log line, in brackets or not, if it has a zone: others may be local times.
    private static func time(_ text: String) -> Timestamp? {
        let bytes = text.utf8.drop { $0 == UInt8(ascii: "[") }
        guard let first = bytes.first, (0x30...0x39).contains(first), bytes.count >= 20, bytes.dropFirst(4).first == 0x2D else {
            return nil
        }
        let head = String(decoding: bytes.prefix(40).prefix { $0 != UInt8(ascii: "]") }, as: UTF8.self)
        let parts = head.split(separator: " ", maxSplits: 3).prefix(3).map(String.init)
        for count in [3, 2, 1] {
            let candidate = parts.prefix(count).joined(separator: " ")
            guard let time = Timestamp(lenient: candidate), time.isPlausible else { continue }
            let ending = candidate.dropFirst(19)
            return ending.contains { "Zz+-".contains($0) } ? time : nil
        }
        return nil
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
        if self.saysFailed(bytes[..<end], space) { return 4 }
        guard verb.elementsEqual(" has".utf8) || verb.dropFirst().elementsEqual(" is".utf8),
            let word = SeverityWord(String(decoding: bytes[(space + 1)..<end], as: UTF8.self)), word.priority >= 4
        else { return nil }
        return word.priority
    }

    /// Whether the last word is `failed` or `crashed`, and none of it such as in `0 failed`.
    private static func saysFailed(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ space: Int) -> Bool {
        let last = bytes[(space + 1)...]
        guard last.elementsEqual("failed".utf8) || last.elementsEqual("crashed".utf8) else { return false }
        let before = bytes[..<space].split(separator: 0x20).last.map { String(decoding: $0, as: UTF8.self).lowercased() } ?? ""
        return !["0", "no", "none", "not", "never", "nothing", "nobody", "if", "or"].contains(before)
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
