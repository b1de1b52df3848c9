/// A set of ASCII bytes, except NUL, in a regular expression over folded text.
struct ByteClass: Sendable, Equatable {
    private var members = [Bool](repeating: false, count: 128)

    init() {}

    private init(where isMember: (UInt8) -> Bool) {
        for byte in UInt8(1)..<128 { self.members[Int(byte)] = isMember(byte) }
    }

    /// `\d`, `\w`, `\s`, their opposites, and `.`, which matches all but line ends.
    init(named scalar: Unicode.Scalar) {
        switch scalar {
        case "d", "D": self = Self(posix: "digit")!
        case "w", "W": self = Self(posix: "word")!
        case "s", "S": self = Self(posix: "space")!
        default: self.init { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        }
        if "DWS".unicodeScalars.contains(scalar) { self.invert() }
    }

    /// The class between `[:` and `:]`, POSIX 9.3.5; letters match in both cases.
    init?(posix name: String) {
        func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
        func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 }
        switch name {
        case "alpha", "upper", "lower": self.init(where: isLetter)
        case "digit": self.init(where: isDigit)
        case "alnum": self.init { isDigit($0) || isLetter($0) }
        case "word": self.init { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
        case "space": self.init { $0 == 32 || (9...13).contains($0) }
        case "blank": self.init { $0 == 32 || $0 == 9 }
        case "cntrl": self.init { $0 < 32 || $0 == 127 }
        case "print": self.init { (32..<127).contains($0) }
        case "graph": self.init { (33..<127).contains($0) }
        case "punct": self.init { (33..<127).contains($0) && !isDigit($0) && !isLetter($0) }
        case "xdigit": self.init { isDigit($0) || ($0 | 0x20) &- 97 < 6 }
        default: return nil
        }
    }

    var isEmpty: Bool { !self.members.contains(true) }

    mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { self.members[Int(byte)] = true }
    }

    mutating func formUnion(_ other: Self) {
        for index in self.members.indices where other.members[index] { self.members[index] = true }
    }

    /// All other bytes except NUL.
    mutating func invert() {
        for index in 1..<128 { self.members[index].toggle() }
    }

    /// Adds the lower-case letters of upper-case ones, because the text is folded.
    mutating func fold() {
        for upper in 65...90 where self.members[upper] { self.members[upper + 32] = true }
    }

    /// A POSIX bracket expression: lists every member; `]` first, then `[`, `^` and `-` last, where they are literal.
    var bracket: [UInt8] {
        let special: [UInt8] = [UInt8(ascii: "]"), UInt8(ascii: "["), UInt8(ascii: "^"), UInt8(ascii: "-")]
        func has(_ character: Unicode.Scalar) -> Bool { self.members[Int(character.value)] }
        let plain = (UInt8(1)..<128).filter { self.members[Int($0)] && !special.contains($0) }
        if plain.isEmpty, !has("]"), !has("["), has("^") {
            return has("-") ? Array("[-^]".utf8) : Array("\\^".utf8)
        }
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        if has("]") { bytes.append(UInt8(ascii: "]")) }
        bytes += plain
        if has("[") { bytes.append(UInt8(ascii: "[")) }
        if has("^") { bytes.append(UInt8(ascii: "^")) }
        if has("-") { bytes.append(UInt8(ascii: "-")) }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }
}
