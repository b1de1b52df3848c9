package import NIOCore

/// Parts of a valid JSON document by names and places that are known at run time.
extension JSONScanner {
    /// The value of a member of the root object, without white space around it.
    ///
    /// - Parameters:
    ///   - name: compared with the key as written; a key with escapes does not match.
    ///   - document: one valid JSON document.
    /// - Returns: the value of the last such member; `nil` when there is none or the root is no object.
    package static func member(named name: String, of document: ByteBuffer) -> ByteBuffer? {
        var name = name
        let range = name.withUTF8 { name in
            document.withUnsafeReadableBytes { bytes in self.range(of: UnsafeRawBufferPointer(name), in: bytes) }
        }
        return range.flatMap { document.getSlice(at: document.readerIndex + $0.lowerBound, length: $0.count) }
    }

    /// The items of the root array, without white space around them.
    ///
    /// - Parameters:
    ///   - document: one valid JSON document.
    ///   - limit: how many items are found at most.
    /// - Returns: the items up to the limit; `nil` when the root is no array.
    package static func items(of document: ByteBuffer, atMost limit: Int = .max) -> [ByteBuffer]? {
        let ranges = document.withUnsafeReadableBytes { bytes in self.itemRanges(in: bytes, atMost: limit) }
        return ranges?.compactMap { document.getSlice(at: document.readerIndex + $0.lowerBound, length: $0.count) }
    }

    private static func itemRanges(in bytes: UnsafeRawBufferPointer, atMost limit: Int) -> [Range<Int>]? {
        var index = self.skipSpace(bytes, 0)
        guard index < bytes.count, bytes[index] == UInt8(ascii: "[") else { return nil }
        index = self.skipSpace(bytes, index + 1)
        var ranges: [Range<Int>] = []
        while index < bytes.count, bytes[index] != UInt8(ascii: "]"), ranges.count < limit {
            let start = index
            index = self.skipValue(bytes, index)
            ranges.append(start..<index)
            index = self.skipSpace(bytes, index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { break }
            index = self.skipSpace(bytes, index + 1)
        }
        return ranges
    }
}
