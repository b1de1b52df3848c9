import NIOCore

/// Divides the bytes of a client of HTTP/2 where its frames end (RFC 9113 §4.1), so that they can be handled one at a time.
///
/// Whether they are valid is not its concern.
struct HTTP2FrameEnds {
    private static let header = 9

    /// Bytes that belong to what has begun: at first the connection preface (RFC 9113 §3.4).
    private var rest = 24

    /// Whether ``next(in:)`` would find something.
    func hasNext(in bytes: ByteBuffer) -> Bool {
        bytes.readableBytes > (self.rest > 0 ? 0 : Self.header - 1)
    }

    /// Takes the next frame, or as much of it as is there.
    ///
    /// - Returns: `nil` when nothing is there, or not even the header of a frame.
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
