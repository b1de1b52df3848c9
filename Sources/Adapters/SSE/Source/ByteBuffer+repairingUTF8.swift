import NIOCore

extension ByteBuffer {
    /// The same bytes if they are UTF-8, otherwise a copy in which each malformed sequence is U+FFFD (WHATWG Encoding
    /// §8.1.1).
    func repairingUTF8() -> ByteBuffer {
        self.withUnsafeReadableBytes { bytes in
            if Self.isASCII(bytes) { return self }
            if String(validating: bytes, as: UTF8.self) != nil { return self }
            return ByteBuffer(string: String(decoding: bytes, as: UTF8.self))
        }
    }

    /// Checks eight bytes at a time.
    private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 8 <= bytes.count {
            guard bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { return false }
            place += 8
        }
        while place < bytes.count {
            guard bytes[place] < 0x80 else { return false }
            place += 1
        }
        return true
    }
}
