import BridgeCore

extension String {
    /// Base64 with padding, RFC 4648 §4.
    init(base64 bytes: UnsafeRawBufferPointer) {
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        self.init(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var end = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = Swift.min(3, bytes.count - start)
                var group: UInt32 = 0
                for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
                for digit in 0..<4 {
                    let value = Int(group >> (18 - 6 * UInt32(digit)) & 0x3f)
                    text[end] = digit <= count ? alphabet.utf8Start[value] : UInt8(ascii: "=")
                    end += 1
                }
            }
            return end
        }
    }
}

extension [UInt8] {
    /// Decodes base64 with padding (RFC 4648 §4); `nil` when the text is invalid.
    init?(base64 text: String) {
        guard text.utf8.count % 4 == 0, let bytes = Base64.bytes(text.utf8) else { return nil }
        self = bytes
    }
}
