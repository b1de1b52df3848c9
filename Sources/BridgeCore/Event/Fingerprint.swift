/// A 64-bit hash that is the same in every run, to tell one message from another: ``ReceivedMessage/repeatKey``.
///
/// FNV-1a over words of eight bytes, with the length of each part, and a last mixing because the high bits of FNV are weak.
/// Not for what an attacker must not find two of.
package struct Fingerprint: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    /// The hash of everything added so far.
    package var value: UInt64 {
        var value = self.state
        value = (value ^ (value >> 32)) &* 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 29)) &* 0xbf58_476d_1ce4_e5b9
        return value ^ (value >> 32)
    }

    /// Adds a number.
    package mutating func add(_ number: UInt64) {
        self.state = (self.state ^ number) &* 0x0000_0100_0000_01b3
        // A multiplication carries upwards only; this brings the high bits back.
        self.state ^= self.state >> 31
    }

    /// Adds bytes and how many they are.
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

    /// Adds the UTF-8 of a text and its length.
    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { self.add(UnsafeRawBufferPointer($0)) }
    }
}

extension UInt64 {
    /// Sixteen digits of base 16.
    package var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
