/// Translates a JavaScript regular expression, regardless of case, to POSIX extended syntax over folded UTF-8 bytes.
///
/// Sets of characters become explicit sets of bytes, and `.` matches all bytes of one character, so the C locale of
/// glibc has no effect.
struct RegularExpressionTranslator {
    /// The largest number of atoms after expanding repetitions, as glibc does.
    private static let maximumSize = 2000
    private static let maximumLength = 1000
    /// One character of two to four bytes.
    private static let multibyte: [UInt8] =
        Array("[".utf8) + Array(0xC2...0xDF) + Array("][".utf8) + Self.continuation + Array("]|[".utf8) + Array(0xE0...0xEF)
        + Array("][".utf8) + Self.continuation + Array("]{2}|[".utf8) + Array(0xF0...0xF4) + Array("][".utf8) + Self.continuation
        + Array("]{3}".utf8)
    private static let continuation: [UInt8] = Array(0x80...0xBF)

    private let text: String
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var output: [UInt8] = Array("^([^a]|a)*(".utf8)
    /// The sizes of the groups that are open, the whole first.
    private var sizes = [0]
    /// The size of the atom that a repetition would repeat; `nil` if there is none.
    private var atom: Int?

    init(_ text: String) {
        self.text = text
        self.scalars = Array(text.unicodeScalars)
    }

    /// - Returns: the pattern's bytes, which need not be UTF-8.
    mutating func translate() throws(SettingError) -> [UInt8] {
        guard !self.scalars.isEmpty else { throw self.error("it is empty") }
        guard self.text.utf8.count <= Self.maximumLength else {
            throw SettingError("a regular expression can be at most \(Self.maximumLength) bytes long")
        }
        while self.index < self.scalars.count {
            let scalar = self.scalars[self.index]
            self.index += 1
            try self.take(scalar)
            guard self.sizes.reduce(0, +) <= Self.maximumSize else { throw self.error("it has too many repetitions") }
        }
        guard self.sizes.count == 1 else { throw self.error("a '(' is not closed") }
        return self.output + Array(")".utf8)
    }

    private mutating func take(_ scalar: Unicode.Scalar) throws(SettingError) {
        switch scalar {
        case "(":
            try self.takeGroupOptions()
            self.output.append(UInt8(ascii: "("))
            self.sizes.append(0)
            self.atom = nil
        case ")":
            guard self.sizes.count > 1, let size = self.sizes.popLast() else { throw self.error("a ')' is unmatched") }
            self.output.append(UInt8(ascii: ")"))
            self.append(size: max(size, 1))
        case "|":
            self.output.append(UInt8(ascii: "|"))
            self.atom = nil
        case "^", "$":
            self.output.append(UInt8(ascii: scalar))
            self.atom = nil
        case "*", "+", "?":
            try self.repeatAtom(Array(String(scalar).utf8), times: 1)
        case "{":
            try self.takeBounds()
        case "[":
            try self.takeSet()
        case ".":
            self.write(ByteClass(named: "."), withMultibyte: true)
        case "\\":
            try self.takeEscape()
        default:
            try self.write(literal: scalar)
        }
    }

    private func error(_ reason: String) -> SettingError {
        SettingError("'\(self.text)' is not a regular expression: \(reason)")
    }

    private var next: Unicode.Scalar? { self.index < self.scalars.count ? self.scalars[self.index] : nil }

    private mutating func append(size: Int) {
        self.sizes[self.sizes.count - 1] += size
        self.atom = size
    }

    /// `(?:` is a plain group here, because nothing is captured; look-around and flags are refused.
    private mutating func takeGroupOptions() throws(SettingError) {
        guard self.next == "?" else { return }
        let after = self.index + 1 < self.scalars.count ? self.scalars[self.index + 1] : nil
        guard after == ":" else {
            throw self.error("'(?' with anything but ':' (look-around, flags, names) is not supported; case never matters here")
        }
        self.index += 2
    }

    /// - Parameter times: how often the atom occurs after the expansion.
    private mutating func repeatAtom(_ quantifier: [UInt8], times: Int) throws(SettingError) {
        guard let atom else { throw self.error("a repetition operator has nothing to repeat") }
        self.output += quantifier
        self.sizes[self.sizes.count - 1] += atom * (times - 1)
        self.atom = nil
        // A lazy repetition matches the same texts.
        if self.next == "?" { self.index += 1 }
    }

    /// `{2}`, `{2,}`, `{2,5}`; any other brace is a plain character.
    private mutating func takeBounds() throws(SettingError) {
        let rest = self.scalars[self.index...]
        guard let end = rest.firstIndex(of: "}") else { return try self.write(literal: "{") }
        let parts = rest[..<end].split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.map { Int(String(String.UnicodeScalarView($0))) }
        guard let minimum = numbers[0], minimum >= 0, parts.count == 1 || parts[1].isEmpty || numbers[1] != nil else {
            return try self.write(literal: "{")
        }
        let maximum = parts.count == 1 ? minimum : numbers[1]
        guard minimum <= maximum ?? minimum, max(minimum, maximum ?? 0) <= 255 else {
            throw self.error("a repetition can go from 0 to 255, the smaller number first")
        }
        self.index = end + 1
        let upper = parts.count == 1 ? "" : "," + (maximum.map { String($0) } ?? "")
        try self.repeatAtom(Array("{\(minimum)\(upper)}".utf8), times: max(maximum ?? minimum + 1, 1))
    }

    private mutating func takeEscape() throws(SettingError) {
        guard let scalar = self.next else { throw self.error("it ends with a '\\'") }
        self.index += 1
        switch scalar {
        case "d", "w", "s": self.write(ByteClass(named: scalar), withMultibyte: false)
        case "D", "W", "S": self.write(ByteClass(named: scalar), withMultibyte: true)
        case "b", "B":
            self.output += [UInt8(ascii: "\\"), UInt8(ascii: scalar)]
            self.atom = nil
        default: try self.write(literal: self.character(escaped: scalar))
        }
    }

    /// The meaning of `\` and this character, within a set and outside.
    private func character(escaped scalar: Unicode.Scalar) throws(SettingError) -> Unicode.Scalar {
        switch scalar {
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "1"..."9": throw self.error("back references such as \\\(scalar) are not supported")
        case "0", "a"..."z", "A"..."Z": throw self.error("\\\(scalar) is not supported")
        default: return scalar
        }
    }

    private mutating func write(literal scalar: Unicode.Scalar) throws(SettingError) {
        guard scalar.value != 0 else { throw self.error("it contains a NUL character") }
        let bytes = Array(scalar.properties.lowercaseMapping.utf8)
        if bytes.count > 1 {
            self.output += [UInt8(ascii: "(")] + bytes + [UInt8(ascii: ")")]
        } else {
            if "\\.[]()*+?{}|^$".unicodeScalars.contains(scalar) { self.output.append(UInt8(ascii: "\\")) }
            self.output += bytes
        }
        self.append(size: bytes.count)
    }

    private mutating func write(_ set: ByteClass, withMultibyte: Bool, alternatives: [Unicode.Scalar] = []) {
        var choices = set.isEmpty ? [] : [set.bracket]
        if withMultibyte { choices.append(Self.multibyte) }
        choices += alternatives.map { Array($0.properties.lowercaseMapping.utf8) }
        self.output += Array("(".utf8) + choices.joined(separator: Array("|".utf8)) + Array(")".utf8)
        self.append(size: withMultibyte ? 9 : 1 + alternatives.count)
    }

    /// `[…]`, after the bracket.
    private mutating func takeSet() throws(SettingError) {
        let isNegated = self.next == "^"
        if isNegated { self.index += 1 }
        var set = ByteClass()
        var others: [Unicode.Scalar] = []
        while let scalar = self.next, scalar != "]" {
            self.index += 1
            if scalar == "[", self.next == ":", let named = try self.takeNamedClass() {
                set.formUnion(named)
                continue
            }
            if scalar == "\\", let letter = self.next, "dwsDWS".unicodeScalars.contains(letter) {
                self.index += 1
                guard "dws".unicodeScalars.contains(letter) else { throw self.error("\\\(letter) within [ ] is not supported") }
                set.formUnion(ByteClass(named: letter))
                continue
            }
            let first = try self.takeMember(scalar)
            if self.next == "-", self.index + 1 < self.scalars.count, self.scalars[self.index + 1] != "]" {
                self.index += 2
                let last = try self.takeMember(self.scalars[self.index - 1])
                guard first.isASCII, last.isASCII, first <= last else {
                    throw self.error("the range \(first)-\(last) is not one of ASCII characters in ascending order")
                }
                set.insert(UInt8(ascii: first)...UInt8(ascii: last))
            } else if first.isASCII {
                set.insert(UInt8(ascii: first)...UInt8(ascii: first))
            } else {
                others.append(first)
            }
        }
        guard self.next == "]" else { throw self.error("a '[' is not closed") }
        self.index += 1
        set.fold()
        if isNegated {
            guard others.isEmpty else { throw self.error("[^ ] with non-ASCII characters is not supported") }
            set.invert()
        }
        guard !set.isEmpty || !others.isEmpty || isNegated else { throw self.error("[] matches no character") }
        self.write(set, withMultibyte: isNegated, alternatives: others)
    }

    private mutating func takeMember(_ scalar: Unicode.Scalar) throws(SettingError) -> Unicode.Scalar {
        guard scalar.value != 0 else { throw self.error("it contains a NUL character") }
        guard scalar == "\\" else { return scalar }
        guard let escaped = self.next else { throw self.error("a '[' is not closed") }
        self.index += 1
        return escaped == "b" ? "\u{08}" : try self.character(escaped: escaped)
    }

    /// `[:alpha:]`, from the colon.
    private mutating func takeNamedClass() throws(SettingError) -> ByteClass? {
        let rest = self.scalars[(self.index + 1)...]
        guard let colon = rest.firstIndex(of: ":"), colon + 1 < self.scalars.count, self.scalars[colon + 1] == "]" else {
            return nil
        }
        let name = String(String.UnicodeScalarView(rest[..<colon]))
        guard let named = ByteClass(posix: name) else { throw self.error("there is no class [:\(name):]") }
        self.index = colon + 2
        return named
    }
}
