import NIOCore

/// Splits the bytes of an HTTP/2 client at frame boundaries (RFC 9113 §4.1), so that frames can be handled one at a
/// time.
///
/// It does not validate frames.
struct HTTP2FrameEnds {
    private static let header = 9

    /// Bytes left of the current frame; at first of the connection preface (RFC 9113 §3.4).
    private var rest = 24

    /// Whether ``next(in:)`` would find something.
    func hasNext(in bytes: ByteBuffer) -> Bool {
        bytes.readableBytes > (self.rest > 0 ? 0 : Self.header - 1)
    }

    /// Removes and returns the next frame, or the available part of it.
    ///
    /// - Returns: `nil` when not even a frame header is available.
    mutating func next(in bytes: inout ByteBuffer) -> ByteBuffer? {
        guard self.hasNext(in: bytes) else { return nil }
        if self.rest == 0 {
            // 24 bits of length, then type and flags.
            let word: UInt32 = bytes.getInteger(at: bytes.readerIndex) ?? 0
            self.rest = Self.header + Int(word >> 8)
        }
        let count = min(self.rest, bytes.readableBytes)
        self.rest -= count
        return bytes.readSlice(length: count)
    }
}
