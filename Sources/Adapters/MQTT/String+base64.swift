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
        let digits = Array(text.utf8)
        guard digits.count % 4 == 0 else { return nil }
        let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        self = []
        self.reserveCapacity(digits.count / 4 * 3)
        var group: UInt32 = 0
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "=") where index >= digits.count - padding: value = 0
            default: return nil
            }
            group = group << 6 | UInt32(value)
            guard index % 4 == 3 else { continue }
            self += [
                UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8), UInt8(truncatingIfNeeded: group),
            ]
        }
        self.removeLast(padding)
    }
}
