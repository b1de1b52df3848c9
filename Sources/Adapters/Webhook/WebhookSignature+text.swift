import BridgeCore
import NIOCore

/// Codes as text.
extension WebhookSignature {
    /// Lower-case hexadecimal digits.
    static func hexadecimal(_ code: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in code {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Base64 with padding (RFC 4648 §4).
    static func base64(_ code: [UInt8]) -> String {
        var text = ByteBuffer()
        Base64.writeQuoted(ByteBuffer(bytes: code), to: &text)
        return String(decoding: text.readableBytesView.dropFirst().dropLast(), as: UTF8.self)
    }

    /// The bytes of hexadecimal digits in any case; `nil` for other text.
    static func bytes(hexadecimal text: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
