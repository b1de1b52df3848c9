import Glibc
import NIOCore

/// The characters that JSON allows unescaped in strings, and that some readers treat as the end of a line: U+0085,
/// U+2028 and U+2029.
///
/// An example is Python's `str.splitlines`, which many clients of event streams use. They are written as `\u0085` and
/// so on, which is equivalent JSON (RFC 8259 §7).
extension ByteBuffer {
    /// Appends JSON with these characters escaped.
    mutating func writeEscapingLineEnds(_ json: ByteBuffer) {
        json.withUnsafeReadableBytes { bytes in
            guard let first = Self.lineEnd(in: bytes, from: 0) else {
                self.writeImmutableBuffer(json)
                return
            }
            var start = 0
            var next: (index: Int, length: Int, escape: StaticString)? = first
            while let (index, length, escape) = next {
                self.writeBytes(bytes[start..<index])
                self.writeStaticString(escape)
                start = index + length
                next = Self.lineEnd(in: bytes, from: start)
            }
            self.writeBytes(bytes[start...])
        }
    }

    /// The first of them at or after an index.
    private static func lineEnd(
        in bytes: UnsafeRawBufferPointer, from start: Int
    ) -> (index: Int, length: Int, escape: StaticString)? {
        let separator = Self.index(of: (0xE2, 0x80), in: bytes, from: start) {
            bytes.count > $0 + 2 && bytes[$0 + 2] & 0xFE == 0xA8
        }
        let nextLine = Self.index(of: (0xC2, 0x85), in: bytes, from: start) { _ in true }
        if let nextLine, nextLine < separator ?? .max { return (nextLine, 2, #"\u0085"#) }
        return separator.map { ($0, 3, bytes[$0 + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#) }
    }

    private static func index(
        of pair: (UInt8, UInt8), in bytes: UnsafeRawBufferPointer, from start: Int, where isRight: (Int) -> Bool
    ) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var start = start
        while start < bytes.count, let found = memchr(base + start, CInt(pair.0), bytes.count - start) {
            let index = UnsafeRawPointer(found) - base
            if index + 1 < bytes.count, bytes[index + 1] == pair.1, isRight(index) { return index }
            start = index + 1
        }
        return nil
    }
}

extension String {
    /// The JSON with these characters escaped.
    var escapingLineEnds: String {
        var buffer = ByteBuffer()
        buffer.writeEscapingLineEnds(ByteBuffer(string: self))
        return String(buffer: buffer)
    }
}
