/// The hash slot of a key in a cluster (Redis cluster specification, "Key distribution model").
enum RedisSlot {
    static func of(_ key: String) -> Int {
        Int(self.checksum(self.hashed(Array(key.utf8)))) % 16_384
    }

    /// Whether only a part of a key is hashed.
    static func hasTag(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        return self.hashed(bytes).count < bytes.count
    }

    /// Only a non-empty text within the first braces is hashed.
    private static func hashed(_ key: [UInt8]) -> ArraySlice<UInt8> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return key[...] }
        let rest = key[(open + 1)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex else { return key[...] }
        return rest[..<close]
    }

    /// CRC-16/XMODEM: polynomial 0x1021, from 0, not reflected.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var checksum: UInt16 = 0
        for byte in bytes {
            checksum ^= UInt16(byte) << 8
            for _ in 0..<8 { checksum = checksum & 0x8000 == 0 ? checksum << 1 : checksum << 1 ^ 0x1021 }
        }
        return checksum
    }
}
