/// A glob by the rules of Redis (`PSUBSCRIBE`, `KEYS`).
///
/// `*` matches any bytes, `?` one byte, `[abc]`, `[^a]` and `[a-z]` one byte of a set, `\x` is the byte `x`. Bytes, not
/// characters: `?` is one byte of UTF-8.
package struct GlobPattern: Sendable {
    /// The bytes before the first wildcard.
    let prefix: [UInt8]
    /// The bytes after the last `*`; empty when there is none, or when wildcards follow it.
    let suffix: [UInt8]
    /// `*` and nothing else.
    let takesEverything: Bool
    private let tokens: [Token]

    fileprivate enum Token: Sendable, Equatable {
        case byte(UInt8)
        case any
        case set(ByteSet)
        case star
    }

    /// Reads a pattern; every text is one.
    package init(_ text: String) {
        let bytes = Array(text.utf8)
        var tokens: [Token] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "*"):
                if tokens.last != .star { tokens.append(.star) }
            case UInt8(ascii: "?"):
                tokens.append(.any)
            case UInt8(ascii: "["):
                tokens.append(.set(ByteSet(bytes, &index)))
            case UInt8(ascii: "\\") where index + 1 < bytes.count:
                index += 1
                tokens.append(.byte(bytes[index]))
            default:
                tokens.append(.byte(bytes[index]))
            }
            index += 1
        }
        self.tokens = tokens
        self.prefix = tokens.prefix { $0.byte != nil }.compactMap(\.byte)
        let tail = tokens.lastIndex(of: .star).map { tokens[($0 + 1)...] } ?? []
        self.suffix = tail.allSatisfy { $0.byte != nil } ? tail.compactMap(\.byte) : []
        self.takesEverything = tokens == [.star]
    }

    /// Whether all of the subject matches.
    ///
    /// Backtracks only to the last `*`, so the time is at most the subject's length times the pattern's.
    package func matches(_ subject: String) -> Bool {
        var subject = subject
        return subject.withUTF8 { self.matches(UnsafeRawBufferPointer($0)) }
    }

    private func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Most subjects that do not match have another ending.
        guard self.suffix.isEmpty || bytes.suffix(self.suffix.count).elementsEqual(self.suffix) else { return false }
        var token = 0
        var place = 0
        var retry: (token: Int, place: Int)?
        while place < bytes.count {
            if token < self.tokens.count, self.tokens[token] == .star {
                retry = (token + 1, place)
                token += 1
            } else if token < self.tokens.count, self.tokens[token].takes(bytes[place]) {
                token += 1
                place += 1
            } else if let last = retry {
                retry = (last.token, last.place + 1)
                token = last.token
                place = last.place + 1
            } else {
                return false
            }
        }
        while token < self.tokens.count, self.tokens[token] == .star { token += 1 }
        return token == self.tokens.count
    }
}

extension GlobPattern.Token {
    fileprivate var byte: UInt8? {
        if case .byte(let byte) = self { byte } else { nil }
    }

    fileprivate func takes(_ byte: UInt8) -> Bool {
        switch self {
        case .byte(let own): own == byte
        case .any: true
        case .set(let set): set.contains(byte)
        case .star: false
        }
    }
}

/// The bytes that `[…]` matches.
private struct ByteSet: Sendable, Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Reads from `[` at `index` and leaves `index` at the closing `]`, or at the pattern's last byte where that is
    /// missing, which Redis treats as closed.
    init(_ bytes: [UInt8], _ index: inout Int) {
        index += 1
        let isNegated = index < bytes.count && bytes[index] == UInt8(ascii: "^")
        if isNegated { index += 1 }
        while index < bytes.count, bytes[index] != UInt8(ascii: "]") {
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count {
                index += 1
                self.insert(bytes[index]...bytes[index])
            } else if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-") {
                let (first, last) = (bytes[index], bytes[index + 2])
                self.insert(min(first, last)...max(first, last))
                index += 2
            } else {
                self.insert(bytes[index]...bytes[index])
            }
            index += 1
        }
        if isNegated { self.words = (~self.words.0, ~self.words.1, ~self.words.2, ~self.words.3) }
    }

    func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: self.words.0
            case 1: self.words.1
            case 2: self.words.2
            default: self.words.3
            }
        return word & (1 << UInt64(byte & 63)) != 0
    }

    private mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range {
            let bit: UInt64 = 1 << UInt64(byte & 63)
            switch byte >> 6 {
            case 0: self.words.0 |= bit
            case 1: self.words.1 |= bit
            case 2: self.words.2 |= bit
            default: self.words.3 |= bit
            }
        }
    }

    static func == (lhs: Self, rhs: Self) -> Bool { lhs.words == rhs.words }
}
