package import NIOCore

/// Base64 (RFC 4648 §4), for bodies that are not text.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Writes the bytes' base64, with padding, between quotes.
    package static func writeQuoted(_ bytes: ByteBuffer, to buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: (bytes.readableBytes + 2) / 3 * 4 + 2)
        buffer.writeStaticString("\"")
        let view = bytes.readableBytesView
        var index = view.startIndex
        while index < view.endIndex {
            let count = min(3, view.endIndex - index)
            var group = UInt32(view[index]) << 16
            if count > 1 { group |= UInt32(view[index + 1]) << 8 }
            if count > 2 { group |= UInt32(view[index + 2]) }
            for place in 0..<4 {
                let isPadding = place > count
                buffer.writeInteger(isPadding ? UInt8(ascii: "=") : self.alphabet[Int(group >> UInt32(18 - place * 6) & 63)])
            }
            index += count
        }
        buffer.writeStaticString("\"")
    }

    /// The base64 of a text, without padding.
    static func text(of text: String) -> String {
        var buffer = ByteBuffer()
        self.writeQuoted(ByteBuffer(string: text), to: &buffer)
        return String(buffer: buffer).replacing("\"", with: "").replacing("=", with: "")
    }
}
