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

    /// Decodes base64 in either alphabet (RFC 4648 §4, §5), with or without padding, white space and quotes around it.
    ///
    /// - Returns: `nil` for anything else.
    static func decoded(_ text: ByteBuffer) -> ByteBuffer? {
        var result = ByteBuffer()
        result.reserveCapacity(text.readableBytes / 4 * 3 + 3)
        var (group, count) = (UInt32(0), 0)
        var isPadded = false
        for byte in text.readableBytesView {
            switch byte {
            case 0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: "\""): continue
            case UInt8(ascii: "="): isPadded = true
            default:
                guard !isPadded, let value = self.values[byte] else { return nil }
                group = group << 6 | value
                count += 1
                guard count == 4 else { continue }
                result.writeBytes([
                    UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8), UInt8(group & 255),
                ])
                (group, count) = (0, 0)
            }
        }
        switch count {
        case 0: break
        case 2: result.writeInteger(UInt8(truncatingIfNeeded: group >> 4))
        case 3: result.writeBytes([UInt8(truncatingIfNeeded: group >> 10), UInt8(truncatingIfNeeded: group >> 2)])
        default: return nil
        }
        return result.readableBytes > 0 ? result : nil
    }

    private static let values: [UInt8: UInt32] = {
        var values: [UInt8: UInt32] = [UInt8(ascii: "-"): 62, UInt8(ascii: "_"): 63]
        for (value, byte) in Self.alphabet.enumerated() { values[byte] = UInt32(value) }
        return values
    }()

    /// The base64 of a text, without padding.
    static func text(of text: String) -> String {
        var buffer = ByteBuffer()
        self.writeQuoted(ByteBuffer(string: text), to: &buffer)
        return String(buffer: buffer).replacing("\"", with: "").replacing("=", with: "")
    }
}
