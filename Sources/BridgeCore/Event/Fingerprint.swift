/// A 64-bit hash with equal results in every run, which distinguishes messages; see ``ReceivedMessage/repeatKey``.
///
/// FNV-1a over words of eight bytes and the length of each part, followed by a final mix because the high bits of FNV
/// are weak. Not collision-resistant.
package struct Fingerprint: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Makes a hash of nothing.
    package init() {}

    /// The hash of everything added up to now; more can be added.
    package var value: UInt64 {
        var value = self.state
        value = (value ^ (value >> 32)) &* 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 29)) &* 0xbf58_476d_1ce4_e5b9
        return value ^ (value >> 32)
    }

    /// Adds a number.
    package mutating func add(_ number: UInt64) {
        self.state = (self.state ^ number) &* 0x0000_0100_0000_01b3
        // A multiplication carries upwards only; the shift mixes the high bits into the low ones.
        self.state ^= self.state >> 31
    }

    /// Adds bytes and their count.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        self.add(UInt64(bytes.count))
        var start = 0
        while start + 8 <= bytes.count {
            self.add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)))
            start += 8
        }
        guard start < bytes.count else { return }
        var rest: UInt64 = 0
        for index in start..<bytes.count { rest |= UInt64(bytes[index]) << UInt64(8 * (index - start)) }
        self.add(rest)
    }

    /// Adds the UTF-8 bytes of a text and their count.
    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { self.add(UnsafeRawBufferPointer($0)) }
    }
}

extension UInt64 {
    /// The number in sixteen lower-case hexadecimal digits.
    package var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
