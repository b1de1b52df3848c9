import CZlib
import CZstd
import NIOCore

/// Decodes a body in chunks of any size, at the pace of its reader (RFC 9110 §8.4.1).
///
/// The buffer of each call bounds the output, whatever size the data declares. A body
/// may be a sequence of gzip members (RFC 1952 §2.2), zlib or raw deflate streams (RFC 1950, RFC 1951) or zstd frames
/// (RFC 8878 §3.1) when a server compresses each event separately. Zeros after a gzip member are padding. For one
/// thread at a time.
package final class ContentDecoder {
    /// The supported codings.
    private enum Coding {
        case gzip
        /// zlib or raw deflate; servers use the name for either.
        case deflate
        case zstd
    }

    /// The codings to offer in `Accept-Encoding`.
    package static let offer = "gzip, deflate, zstd"

    private let coding: Coding
    private var pending = ByteBuffer()
    /// The last call filled its buffer, so that more output may follow without input.
    private var mayHoldOutput = false
    /// Between two members, or before the first.
    private var isAtBoundary = true
    private var hasFinishedMember = false
    private var isRaw = false
    private let inflater: UnsafeMutablePointer<z_stream>?
    private let context: OpaquePointer?

    /// Makes a decoder for a content coding.
    ///
    /// - Parameter field: the value of `Content-Encoding`.
    /// - Returns: `nil` for a body without a coding.
    /// - Throws: ``ContentDecodingError`` for a coding outside ``offer``, or more than one.
    package static func make(for field: String?) throws(ContentDecodingError) -> ContentDecoder? {
        let names = (field ?? "").split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            .filter { !$0.isEmpty && $0 != "identity" }
        guard let name = names.first else { return nil }
        let coding: Coding? =
            switch name {
            case "gzip", "x-gzip": .gzip
            case "deflate": .deflate
            case "zstd": .zstd
            default: nil
            }
        guard let coding, names.count == 1 else {
            throw ContentDecodingError("the content coding '\((field ?? "").prefix(100))' was not offered; \(Self.offer) are")
        }
        return try ContentDecoder(coding)
    }

    private init(_ coding: Coding) throws(ContentDecodingError) {
        self.coding = coding
        if coding == .zstd {
            self.inflater = nil
            self.context = ZSTD_createDStream()
            // The largest window that a sender may require of a receiver (RFC 9659 §3).
            let result = ZSTD_DCtx_setParameter(self.context, ZSTD_d_windowLogMax, 23)
            guard self.context != nil, ZSTD_isError(result) == 0 else { throw ContentDecodingError("zstd has no memory") }
        } else {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            self.inflater = stream
            self.context = nil
            guard inflateInit2_(stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw ContentDecodingError("zlib has no memory")
            }
        }
    }

    deinit {
        if let inflater {
            inflateEnd(inflater)
            inflater.deinitialize(count: 1)
            inflater.deallocate()
        }
        ZSTD_freeDStream(self.context)
    }

    /// Copies encoded bytes into the decoder; does not decode them.
    package func append(_ bytes: UnsafeRawBufferPointer) {
        self.pending.writeBytes(bytes)
    }

    /// Whether ``next(into:)`` may produce output without more input.
    package var hasMore: Bool { self.mayHoldOutput || self.pending.readableBytes > 0 }

    /// Whether the body may end here: every member is complete and all input is used.
    package var isComplete: Bool { self.isAtBoundary && !self.hasMore }

    /// Decodes into a buffer.
    ///
    /// - Returns: the number of bytes written; 0 when more input is needed.
    /// - Throws: ``ContentDecodingError`` when the data are damaged or out of memory.
    package func next(into output: UnsafeMutableRawBufferPointer) throws(ContentDecodingError) -> Int {
        while self.hasMore {
            if self.isAtBoundary, self.coding != .zstd, try !self.beginMember() { return 0 }
            let before = self.pending.readableBytes
            let produced = self.coding == .zstd ? try self.decompress(output) : try self.inflate(output)
            self.mayHoldOutput = produced == output.count
            if self.pending.readableBytes == 0 { self.pending.clear(minimumCapacity: 0) }
            if produced > 0 { return produced }
            guard self.isAtBoundary, self.pending.readableBytes < before else { break }
        }
        return 0
    }

    /// Prepares the inflater for the next member.
    ///
    /// - Returns: false when the first bytes of the member are missing.
    private func beginMember() throws(ContentDecodingError) -> Bool {
        if self.hasFinishedMember, !self.isRaw {
            while self.pending.readableBytesView.first == 0 { self.pending.moveReaderIndex(forwardBy: 1) }
        }
        var bits = MAX_WBITS + 16
        if self.coding == .deflate {
            guard let head = self.pending.getInteger(at: self.pending.readerIndex, as: UInt16.self) else { return false }
            // A zlib header has method 8 and is a multiple of 31 (RFC 1950 §2.2).
            self.isRaw = (head >> 8) & 15 != 8 || head % 31 != 0
            bits = self.isRaw ? -MAX_WBITS : MAX_WBITS
        } else {
            guard let first = self.pending.readableBytesView.first else { return false }
            guard first == 0x1F else {
                throw ContentDecodingError(
                    self.hasFinishedMember ? "something else follows the gzip data" : "the body is not gzip data")
            }
        }
        guard inflateReset2(self.inflater, bits) == Z_OK else { throw ContentDecodingError("zlib has no memory") }
        self.isAtBoundary = false
        return true
    }

    private func inflate(_ output: UnsafeMutableRawBufferPointer) throws(ContentDecodingError) -> Int {
        guard let stream = self.inflater else { return 0 }
        var result = Z_OK
        self.pending.readWithUnsafeReadableBytes { input in
            // zlib only reads through the pointer, and its counts have 32 bits.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(clamping: input.count)
            stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(clamping: output.count)
            result = CZlib.inflate(stream, Z_NO_FLUSH)
            return min(input.count, Int(UInt32.max)) - Int(stream.pointee.avail_in)
        }
        switch result {
        case Z_STREAM_END:
            self.isAtBoundary = true
            self.hasFinishedMember = true
        case Z_OK, Z_BUF_ERROR: break
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "error \(result)"
            throw ContentDecodingError("the \(self.coding) data are damaged: \(reason)")
        }
        return output.count - Int(stream.pointee.avail_out)
    }

    private func decompress(_ output: UnsafeMutableRawBufferPointer) throws(ContentDecodingError) -> Int {
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        var result = 0
        self.pending.readWithUnsafeReadableBytes { input in
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            result = ZSTD_decompressStream(self.context, &target, &source)
            return source.pos
        }
        guard ZSTD_isError(result) == 0 else {
            throw ContentDecodingError("the zstd data are damaged: \(String(cString: ZSTD_getErrorName(result)))")
        }
        self.isAtBoundary = result == 0
        return target.pos
    }
}
