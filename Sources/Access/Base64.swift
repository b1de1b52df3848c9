/// Base64, RFC 4648 §4 and §5.
enum Base64 {
    /// Decodes a text; `nil` when the encoding is invalid, or the text is not UTF-8.
    static func decode(_ encoded: some StringProtocol) -> String? {
        self.bytes(encoded.utf8).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Decodes bytes; `nil` when the encoding is invalid.
    ///
    /// - Parameter isURLSafe: whether `-` and `_` replace `+` and `/`.
    static func bytes(_ encoded: some Sequence<UInt8>, isURLSafe: Bool = false) -> [UInt8]? {
        let (plus, slash) = isURLSafe ? (UInt8(ascii: "-"), UInt8(ascii: "_")) : (UInt8(ascii: "+"), UInt8(ascii: "/"))
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        var isPadded = false
        for byte in encoded {
            let value: UInt32
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(byte) - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(byte) - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(byte) + 4
            case plus: value = 62
            case slash: value = 63
            case UInt8(ascii: "="):
                isPadded = true
                continue
            default: return nil
            }
            guard !isPadded else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
