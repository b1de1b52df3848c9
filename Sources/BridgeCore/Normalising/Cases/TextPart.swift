import Glibc

/// `part: "refs/*/{}"`: the part of a text at the hole of a pattern.
///
/// `*` and `{}` stand for any text up to the first place of what follows them in the pattern; the ends of the pattern are those of the
/// text. Case matters. The time is at most the text's length times the pattern's.
struct TextPart: Sendable {
    /// Why a pattern is none.
    struct Problem: Error {
        let message: String
    }

    /// The literal bytes in front of the first wildcard.
    private let start: [UInt8]
    /// The literal bytes behind each wildcard, which may be empty only at the end.
    private let literals: [[UInt8]]
    /// Which of the wildcards is the hole.
    private let hole: Int

    /// Reads a pattern; `\\` makes the character behind it a literal one.
    init(_ pattern: String) throws(Problem) {
        var pieces: [[UInt8]] = [[]]
        var holes: [Int] = []
        let bytes = Array(pattern.utf8)
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            let isHole = bytes[index] == UInt8(ascii: "{") && next == UInt8(ascii: "}")
            if isHole || bytes[index] == UInt8(ascii: "*") {
                if pieces.count > 1, pieces[pieces.count - 1].isEmpty {
                    throw Problem(
                        message: "'\(pattern)' has two wildcards side by side; write the text between them, or leave one out")
                }
                if isHole { holes.append(pieces.count - 1) }
                pieces.append([])
                index += isHole ? 2 : 1
                continue
            }
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count { index += 1 }
            pieces[pieces.count - 1].append(bytes[index])
            index += 1
        }
        guard holes.count == 1 else {
            let mistake = holes.isEmpty ? "has no {}" : "has more than one {}"
            throw Problem(message: "'\(pattern)' \(mistake); write {} once, where the part is, such as refs/*/{}")
        }
        guard bytes.count > 2 else {
            throw Problem(message: "'\(pattern)' takes the whole text; leave part out, or write what stands around {}")
        }
        self.start = pieces[0]
        self.literals = Array(pieces.dropFirst())
        self.hole = holes[0]
    }

    /// The part of a text; `nil` when the pattern does not fit, or the part is empty.
    func part(of text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes in
            guard let range = self.range(in: UnsafeRawBufferPointer(bytes)), !range.isEmpty else { return nil }
            return String(decoding: bytes[range], as: UTF8.self)
        }
    }

    private func range(in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard bytes.count >= self.start.count, bytes.prefix(self.start.count).elementsEqual(self.start) else { return nil }
        var place = self.start.count
        var found: Range<Int>?
        for (index, literal) in self.literals.enumerated() {
            let next: Int
            if index + 1 < self.literals.count {
                guard let position = Self.find(literal, in: bytes, from: place) else { return nil }
                next = position
            } else {
                next = bytes.count - literal.count
                guard next >= place, bytes[next...].elementsEqual(literal) else { return nil }
            }
            if index == self.hole { found = place..<next }
            place = next + literal.count
        }
        return found
    }

    private static func find(_ literal: [UInt8], in bytes: UnsafeRawBufferPointer, from place: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var place = place
        while place + literal.count <= bytes.count {
            guard let found = memchr(base + place, Int32(literal[0]), bytes.count - literal.count - place + 1) else { return nil }
            if memcmp(found, literal, literal.count) == 0 { return UnsafeRawPointer(found) - base }
            place = UnsafeRawPointer(found) - base + 1
        }
        return nil
    }
}

extension SettingCodec where Value == [TextPart] {
    /// One pattern, or several of which the first that fits counts.
    static var parts: Self {
        let patterns = SettingCodec<[String]>.oneOrMore(of: .text("pattern with {}"))
        return Self(patterns.type) { decoder in
            let isList = (try? decoder.unkeyedContainer()) != nil
            let parts = try patterns.read(decoder).enumerated().map { index, pattern in
                do throws(TextPart.Problem) {
                    return try TextPart(pattern)
                } catch {
                    throw SettingError(path: decoder.codingPath + (isList ? [SettingKey(index)] : []), error.message)
                }
            }
            guard !parts.isEmpty else { throw SettingError(path: decoder.codingPath, "is empty; leave it out") }
            return parts
        }
    }
}
