import Glibc
package import NIOCore

/// Locates parts of a valid JSON document, so that they can be forwarded byte for byte.
package enum JSONScanner {
    /// The value of a member of the root object, without white space around it.
    ///
    /// - Parameters:
    ///   - name: compared with the key as written; a key with escapes does not match.
    ///   - document: one valid JSON document.
    /// - Returns: the value of the last such member; `nil` when there is none or the root is no object.
    package static func member(_ name: StaticString, of document: ByteBuffer) -> ByteBuffer? {
        let name = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        let range = document.withUnsafeReadableBytes { bytes in self.range(of: name, in: bytes) }
        return range.flatMap { document.getSlice(at: document.readerIndex + $0.lowerBound, length: $0.count) }
    }

    /// The document without CR and LF; the same storage when it has none.
    ///
    /// Only white space is removed: strings contain neither unescaped (RFC 8259 §7).
    package static func singleLine(_ document: ByteBuffer) -> ByteBuffer {
        guard !self.isSingleLine(document) else { return document }
        let view = document.readableBytesView
        var result = ByteBuffer()
        result.reserveCapacity(view.count)
        result.writeBytes(view.lazy.filter { $0 != 0x0A && $0 != 0x0D })
        return result
    }

    /// Whether a document has no line breaks.
    package static func isSingleLine(_ document: ByteBuffer) -> Bool {
        document.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return memchr(start, 0x0A, bytes.count) == nil && memchr(start, 0x0D, bytes.count) == nil
        }
    }

    static func range(of name: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var index = self.skipSpace(bytes, 0)
        guard index < bytes.count, bytes[index] == UInt8(ascii: "{") else { return nil }
        index = self.skipSpace(bytes, index + 1)
        var found: Range<Int>?
        while index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
            let key = index + 1
            index = self.skipString(bytes, index)
            let isWanted =
                index - 1 - key == name.count && bytes[key..<index - 1].elementsEqual(name)
            index = self.skipSpace(bytes, self.skipSpace(bytes, index) + 1)
            let value = index
            index = self.skipValue(bytes, index)
            if isWanted { found = value..<index }
            index = self.skipSpace(bytes, index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { return found }
            index = self.skipSpace(bytes, index + 1)
        }
        return found
    }

    static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
        return index
    }

    /// The index after the closing quote of the string that begins at `start`.
    static func skipString(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, bytes.count)
    }

    static func skipValue(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index = self.skipString(bytes, index)
                if depth == 0 { return index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","), 0...0x20:
                if depth == 0 { return index }
            default: break
            }
            index += 1
        }
        return index
    }
}
