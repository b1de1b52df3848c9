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

    /// The digits for 62 and 63.
    package enum Alphabet {
        /// `+` and `/` (RFC 4648 §4).
        case standard
        /// These, or `-` and `_` (RFC 4648 §5).
        case either
    }

    /// Decodes base64 whose padding may be missing; `nil` for other text.
    package static func bytes(_ text: some Collection<UInt8>, _ alphabet: Alphabet = .standard) -> [UInt8]? {
        let digits = text.prefix { $0 != UInt8(ascii: "=") }
        let padding = text.dropFirst(digits.count)
        guard padding.count <= 2, padding.allSatisfy({ $0 == UInt8(ascii: "=") }), digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "-") where alphabet == .either: value = 62
            case UInt8(ascii: "_") where alphabet == .either: value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    /// Decodes a body in either alphabet, with white space and quotes; `nil` for anything else, and for an empty one.
    static func decoded(_ body: ByteBuffer) -> ByteBuffer? {
        let text = body.readableBytesView.filter { ![0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: "\"")].contains($0) }
        return self.bytes(text, .either).flatMap { $0.isEmpty ? nil : ByteBuffer(bytes: $0) }
    }

    /// The base64 of a text, without padding.
    static func text(of text: String) -> String {
        var buffer = ByteBuffer()
        self.writeQuoted(ByteBuffer(string: text), to: &buffer)
        return String(buffer: buffer).replacing("\"", with: "").replacing("=", with: "")
    }
}
