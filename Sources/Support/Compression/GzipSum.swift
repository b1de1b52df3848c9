import CZlib
package import NIOCore

/// Checksum and length of what a gzip stream carries (RFC 1952 §2.3.1).
///
/// That of a segment is computed once; a connection adds it to its own in constant time, without seeing the bytes.
package struct GzipSum: Sendable, Equatable {
    private var checksum: UInt32
    private var length: UInt32
    /// What moves a checksum past this many bytes.
    private let shift: UInt

    /// Of nothing.
    package init() {
        self.checksum = 0
        self.length = 0
        self.shift = 0
    }

    /// Of a segment's bytes before they were compressed.
    package init(_ bytes: ByteBuffer) {
        self.checksum = bytes.withUnsafeReadableBytes {
            UInt32(crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count)))
        }
        self.length = UInt32(truncatingIfNeeded: bytes.readableBytes)
        self.shift = crc32_combine_gen(bytes.readableBytes)
    }

    /// Adds a segment.
    package mutating func add(_ segment: GzipSum) {
        self.checksum = UInt32(crc32_combine_op(UInt(self.checksum), UInt(segment.checksum), segment.shift))
        self.length &+= segment.length
    }

    /// The last, empty block and the member's trailer.
    package var end: ByteBuffer {
        var buffer = ByteBuffer(bytes: [3, 0])
        buffer.writeInteger(self.checksum, endianness: .little)
        buffer.writeInteger(self.length, endianness: .little)
        return buffer
    }
}
