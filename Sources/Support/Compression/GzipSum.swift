import CZlib
package import NIOCore

/// The CRC-32 and length of a gzip member's data (RFC 1952 §2.3.1).
///
/// The sum of a segment is computed once; each connection adds it to its own sum in constant time, without reading the
/// bytes.
package struct GzipSum: Sendable, Equatable {
    private var checksum: UInt32
    private var length: UInt32
    /// The operator that advances a checksum by ``length`` bytes.
    private let shift: UInt

    /// The sum of no bytes.
    package init() {
        self.checksum = 0
        self.length = 0
        self.shift = 0
    }

    /// The sum of a segment's bytes before compression; reads all of them.
    package init(_ bytes: ByteBuffer) {
        self.checksum = bytes.withUnsafeReadableBytes {
            UInt32(crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count)))
        }
        self.length = UInt32(truncatingIfNeeded: bytes.readableBytes)
        self.shift = crc32_combine_gen(bytes.readableBytes)
    }

    /// Appends the sum of a segment.
    package mutating func add(_ segment: GzipSum) {
        self.checksum = UInt32(crc32_combine_op(UInt(self.checksum), UInt(segment.checksum), segment.shift))
        self.length &+= segment.length
    }

    /// The last, empty deflate block and the member's trailer, 10 bytes (RFC 1952 §2.3.1).
    package var end: ByteBuffer {
        var buffer = ByteBuffer(bytes: [3, 0])
        buffer.writeInteger(self.checksum, endianness: .little)
        buffer.writeInteger(self.length, endianness: .little)
        return buffer
    }
}
