import Testing

@testable import MQTTAdapter

struct MQTTFingerprintTests {
    private func hash(_ parts: String...) -> UInt64 {
        var hash = MQTTFingerprint()
        for part in parts { hash.add(part) }
        return hash.value
    }

    @Test func `a value is the same in every run`() {
        // Written into the log, where a later version must find them again.
        #expect(self.hash("home/door", "open") == 7_801_130_664_271_336_269)
    }

    @Test func `parts, bytes and lengths tell apart`() {
        let all = [
            self.hash(), self.hash(""), self.hash("a"), self.hash("a", ""), self.hash("", "a"), self.hash("a\0"),
            self.hash("ab", "c"), self.hash("a", "bc"), self.hash("12345678"), self.hash("12345679"), self.hash("123456789"),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func `similar messages have different values`() {
        let values = (0..<100_000).map { self.hash("sensor/\($0 % 100)", "\($0)") }
        #expect(Set(values).count == values.count)
        // Sets go by the low bits.
        #expect(Set(values.map { $0 & 0xffff }).count > 50_000)
    }
}

struct MQTTPacketIdentifiersTests {
    private func keys(_ identifiers: [Int32], _ reuse: MQTTPacketIdentifiers.Reuse, isRepeated: Bool = false) -> [UInt64?] {
        var packets = MQTTPacketIdentifiers(reuse)
        return identifiers.map { identifier in
            [UInt8(1)].withUnsafeBytes { packets.key(identifier, topic: "a", body: $0, isRepeated: isRepeated) }
        }
    }

    @Test func `a key is that of the same message on another connection`() {
        let reuse = MQTTPacketIdentifiers.Reuse()
        let first = self.keys([7, 8, 9], reuse)
        #expect(Set(first).count == 3)
        #expect(self.keys([8, 9], reuse, isRepeated: true) == Array(first[1...]))
        #expect(self.keys([65_535, 1, 2], reuse).allSatisfy { $0 != nil })
    }

    @Test func `identifiers that are used again make no keys any more`() {
        let reuse = MQTTPacketIdentifiers.Reuse()
        let first = self.keys([1, 2, 1], reuse)
        #expect(first[0] != nil && first[1] != nil && first[2] == nil)
        #expect(self.keys([5], reuse) == [nil])
    }
}
