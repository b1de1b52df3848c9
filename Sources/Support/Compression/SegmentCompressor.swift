import CZlib
import CZstd
package import NIOCore

/// Compresses each segment of a stream independently, so that all subscribers can share its compressed bytes.
///
/// A gzip segment is a sequence of deflate blocks without references to earlier data, and ends with an empty stored
/// block (RFC 1951 §3.2.4), as `Z_SYNC_FLUSH` writes it. Go's decoder returns its output only at such a block or when
/// its window is full; a stored block with data does not flush it. A zstd segment is the blocks of one frame and the
/// header of the next. Decoders such as that of Python's httpx continue with another frame only when it begins in the
/// same piece. Not thread-safe; keeps about 260 KiB after its first use.
package final class SegmentCompressor {
    /// The size in bytes below which gzip segments are stored: compressing them costs more than it saves.
    package static let threshold = 256

    private static let zstdHeader = ContentCoding.zstd.start

    private var deflater: UnsafeMutablePointer<z_stream>?
    private var context: OpaquePointer?

    /// Makes a compressor; it allocates its state at the first use of each coding.
    package init() {}

    deinit {
        if let deflater {
            deflateEnd(deflater)
            deflater.deinitialize(count: 1)
            deflater.deallocate()
        }
        ZSTD_freeCCtx(self.context)
    }

    /// Appends one segment to a buffer in a coding, without ``ContentCoding/start`` and ``ContentCoding/end(_:)``.
    package func write(_ piece: ByteBuffer, as coding: ContentCoding, into buffer: inout ByteBuffer) {
        switch coding {
        case .identity:
            buffer.writeImmutableBuffer(piece)
        case .gzip where piece.readableBytes < Self.threshold:
            Self.store(piece, into: &buffer)
        case .gzip:
            self.deflate(piece, into: &buffer)
        case .zstd:
            self.compress(piece, into: &buffer)
        }
    }

    /// Writes the segment as a stored block (RFC 1951 §3.2.4), then an empty one; the data before end on a byte
    /// boundary.
    private static func store(_ piece: ByteBuffer, into buffer: inout ByteBuffer) {
        let length = UInt16(piece.readableBytes)
        buffer.writeInteger(0 as UInt8)
        buffer.writeInteger(length, endianness: .little)
        buffer.writeInteger(~length, endianness: .little)
        buffer.writeImmutableBuffer(piece)
        buffer.writeBytes(Self.flush)
    }

    /// An empty stored block that is not the last.
    private static let flush: [UInt8] = [0, 0, 0, 0xFF, 0xFF]

    private func deflate(_ piece: ByteBuffer, into buffer: inout ByteBuffer) {
        let stream = self.readyDeflater()
        // The flush adds at most an empty block of five bytes and one byte to complete a partial one.
        let bound = Int(deflateBound(stream, UInt(piece.readableBytes))) + 16
        piece.withUnsafeReadableBytes { source in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                // zlib only reads through the pointer.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(target.count)
                let result = CZlib.deflate(stream, Z_SYNC_FLUSH)
                precondition(result == Z_OK && stream.pointee.avail_in == 0, "the bound holds")
                return target.count - Int(stream.pointee.avail_out)
            }
        }
    }

    private func compress(_ piece: ByteBuffer, into buffer: inout ByteBuffer) {
        let context = self.readyContext()
        let header = Self.zstdHeader
        piece.withUnsafeReadableBytes { source in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: ZSTD_compressBound(source.count)) { target in
                let count = ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
                precondition(ZSTD_isError(count) == 0, "the bound holds")
                precondition(
                    target[..<5].elementsEqual(header[..<5]) && target[5] <= header[5], "a frame has the header that is announced"
                )
                // The header of this frame precedes the segment already, with an equal or larger window; that of the
                // next frame follows.
                let blocks = UnsafeRawBufferPointer(rebasing: target[header.count..<count])
                UnsafeMutableRawBufferPointer(rebasing: target[..<blocks.count]).copyMemory(from: blocks)
                UnsafeMutableRawBufferPointer(rebasing: target[blocks.count..<count]).copyBytes(from: header)
                return count
            }
        }
    }

    private func readyContext() -> OpaquePointer? {
        if let context { return context }
        let context = ZSTD_createCCtx()
        for (parameter, value) in [
            (ZSTD_c_compressionLevel, 3), (ZSTD_c_windowLog, CInt(ContentCoding.zstdWindowLog)),
            // Both would make the header depend on the segment.
            (ZSTD_c_contentSizeFlag, 0), (ZSTD_c_checksumFlag, 0),
        ] {
            precondition(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0, "zstd knows its parameters")
        }
        self.context = context
        return context
    }

    private func readyDeflater() -> UnsafeMutablePointer<z_stream> {
        if let deflater {
            deflateReset(deflater)
            return deflater
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Raw deflate: each connection writes the member's header and trailer.
        let result = deflateInit2_(
            stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        precondition(result == Z_OK, "zlib has memory and is the one it was built for")
        self.deflater = stream
        return stream
    }
}
