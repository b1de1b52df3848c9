/// The subjects of a route: one exact subject, an MQTT topic filter or a Redis glob.
///
/// Compares bytes, as MQTT 3.1.1 §1.5.3 and Redis do; no Unicode normalisation. Immutable.
package struct SubjectPattern: Sendable, Hashable, Decodable, CustomStringConvertible {
    /// The syntax of a pattern.
    package enum Syntax: String, Sendable, Hashable, CaseIterable {
        case exact, mqtt, glob
    }

    /// The pattern as written.
    package let text: String
    /// How ``text`` is read.
    package let syntax: Syntax
    let glob: GlobPattern?

    /// Derives the syntax from the text: `+` or `#` as a whole level makes it an MQTT filter, else `*`, `?` or `[` a
    /// glob, else it is one exact subject.
    ///
    /// - Throws: ``SettingError`` for what its syntax does not allow.
    package init(_ text: String) throws(SettingError) {
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if levels.contains(where: { $0.elementsEqual("+".utf8) || $0.elementsEqual("#".utf8) }) {
            try self.init(text, syntax: .mqtt)
        } else {
            try self.init(text, syntax: text.utf8.contains(where: { "*?[".utf8.contains($0) }) ? .glob : .exact)
        }
    }

    /// - Throws: ``SettingError`` for what the syntax does not allow.
    package init(_ text: String, syntax: Syntax) throws(SettingError) {
        guard !text.isEmpty else { throw SettingError("a subject cannot be empty") }
        if syntax == .mqtt { try Self.checkFilter(text) }
        self.text = text
        self.syntax = syntax
        self.glob = syntax == .glob ? GlobPattern(text) : nil
    }

    /// A text, or the syntax and the text: `{mqtt: "a/#"}`, `{glob: "a:*"}`, `{exact: "a*b"}`.
    package init(from decoder: any Decoder) throws {
        do {
            if let container = try? decoder.container(keyedBy: SettingKey.self) {
                guard let key = container.allKeys.first, container.allKeys.count == 1,
                    let syntax = Syntax(rawValue: key.stringValue)
                else {
                    throw SettingError("a subject is a text, or one of mqtt, glob, exact with a text")
                }
                try self.init(container.decode(String.self, forKey: key), syntax: syntax)
            } else {
                try self.init(decoder.singleValueContainer().decode(String.self))
            }
        } catch let error as SettingError {
            throw SettingError(path: decoder.codingPath + error.path, error.message)
        }
    }

    /// Compares the syntax and the bytes of the text.
    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.syntax == rhs.syntax && lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    /// Hashes the bytes of the text.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(self.text))
    }

    /// The pattern as written.
    package var description: String { self.text }

    /// Whether the pattern matches the subject.
    ///
    /// Takes time linear in the subject: an MQTT filter is walked once, a glob backtracks only to its last `*`.
    package func matches(_ subject: String) -> Bool {
        switch self.syntax {
        case .exact: self.text.utf8.elementsEqual(subject.utf8)
        case .mqtt: Self.filter(self.text, matches: subject)
        case .glob: self.glob?.matches(subject) ?? false
        }
    }

    /// MQTT 3.1.1 §4.7.1: `+` matches one level, `#` the rest and the parent; a leading wildcard does not match `$`
    /// (§4.7.2).
    private static func filter(_ filter: String, matches subject: String) -> Bool {
        if subject.utf8.first == UInt8(ascii: "$"), let first = filter.utf8.first, "+#".utf8.contains(first) { return false }
        var (filter, subject) = (filter, subject)
        return filter.withUTF8 { filter in subject.withUTF8 { self.levels(filter, match: $0) } }
    }

    private static func levels(_ filter: UnsafeBufferPointer<UInt8>, match subject: UnsafeBufferPointer<UInt8>) -> Bool {
        let slash = UInt8(ascii: "/")
        var (index, place) = (0, 0)
        // Each turn compares one level; `place` is behind the end once the subject has none.
        while true {
            let isWildcard = index + 1 == filter.count || index + 1 < filter.count && filter[index + 1] == slash
            if isWildcard, filter[index] == UInt8(ascii: "#") { return true }
            guard place <= subject.count else { return false }
            if isWildcard, filter[index] == UInt8(ascii: "+") {
                index += 1
                while place < subject.count, subject[place] != slash { place += 1 }
            } else {
                while index < filter.count, filter[index] != slash {
                    guard place < subject.count, filter[index] == subject[place] else { return false }
                    index += 1
                    place += 1
                }
                guard place == subject.count || subject[place] == slash else { return false }
            }
            guard index < filter.count else { return place == subject.count }
            index += 1
            place += 1
        }
    }

    /// MQTT 3.1.1 §4.7.1.2 and §4.7.1.3.
    private static func checkFilter(_ text: String) throws(SettingError) {
        guard !text.utf8.contains(0) else { throw SettingError("an MQTT filter cannot contain a NUL character") }
        var levels = LevelIterator(text)
        var isLast = false
        while let level = levels.next() {
            guard !isLast else { throw SettingError("'#' must be the last level of the MQTT filter '\(text)'") }
            let isWildcard = level.utf8.count == 1
            for wildcard in ["#", "+"] where level.utf8.contains(wildcard.utf8.first!) && !isWildcard {
                throw SettingError("'\(wildcard)' must be a whole level of the MQTT filter '\(text)'")
            }
            isLast = level.utf8.elementsEqual("#".utf8)
        }
    }
}

/// The levels of a topic: the texts between its slashes, empty ones included.
struct LevelIterator: IteratorProtocol {
    private var rest: Substring?

    init(_ text: String) {
        self.rest = text[...]
    }

    mutating func next() -> Substring? {
        guard let rest else { return nil }
        guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            self.rest = nil
            return rest
        }
        self.rest = rest[rest.utf8.index(after: slash)...]
        return rest[..<slash]
    }
}
