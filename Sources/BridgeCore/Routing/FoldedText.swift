import Glibc

/// Text for comparison regardless of case: lower-case UTF-8, compared as bytes.
struct FoldedText: Sendable, Hashable {
    let bytes: [UInt8]

    init(_ text: String) {
        self.bytes = Array(text.lowercased().utf8)
    }

    /// Calls `body` with the folded bytes of a text; ASCII needs no heap allocation.
    static func withFolded<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.allSatisfy({ $0 < 0x80 }) else {
                var folded = String(decoding: bytes, as: UTF8.self).lowercased()
                return folded.withUTF8 { body(UnsafeRawBufferPointer($0)) }
            }
            return withUnsafeTemporaryAllocation(byteCount: max(bytes.count, 1), alignment: 1) { room in
                for (index, byte) in bytes.enumerated() {
                    room[index] = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
                }
                return body(UnsafeRawBufferPointer(rebasing: room[..<bytes.count]))
            }
        }
    }

    func equals(_ folded: UnsafeRawBufferPointer) -> Bool {
        self.bytes.count == folded.count && self.begins(folded)
    }

    func begins(_ folded: UnsafeRawBufferPointer) -> Bool {
        guard self.bytes.count <= folded.count else { return false }
        guard let start = folded.baseAddress, !self.bytes.isEmpty else { return true }
        return memcmp(start, self.bytes, self.bytes.count) == 0
    }
}

/// A text to search for, regardless of case, in time linear in the text searched (Knuth, Morris and Pratt).
struct TextSearch: Sendable {
    private let needle: [UInt8]
    /// The text, in lower case.
    var text: String { String(decoding: self.needle, as: UTF8.self) }
    /// For each prefix of the needle, the length of its longest proper suffix that is also a prefix.
    private let borders: [Int]

    init(_ needle: FoldedText) {
        let bytes = needle.bytes
        var borders = [Int](repeating: 0, count: bytes.count)
        var length = 0
        for index in bytes.indices.dropFirst() {
            while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
            if bytes[index] == bytes[length] { length += 1 }
            borders[index] = length
        }
        self.needle = bytes
        self.borders = borders
    }

    func isContained(in folded: UnsafeRawBufferPointer) -> Bool {
        guard let first = self.needle.first else { return true }
        guard let start = folded.baseAddress else { return false }
        var matched = 0
        var index = 0
        while index < folded.count {
            if matched == 0 {
                guard let found = memchr(start + index, Int32(first), folded.count - index) else { return false }
                index = UnsafeRawPointer(found) - start
            }
            while matched > 0, folded[index] != self.needle[matched] { matched = self.borders[matched - 1] }
            if folded[index] == self.needle[matched] { matched += 1 }
            if matched == self.needle.count { return true }
            index += 1
        }
        return false
    }
}
