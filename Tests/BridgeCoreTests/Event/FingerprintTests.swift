import Testing

@testable import BridgeCore

struct FingerprintTests {
    private func hash(_ parts: String...) -> UInt64 {
        var hash = Fingerprint()
        for part in parts { hash.add(part) }
        return hash.value
    }

    @Test func `a value is the same in every run`() {
        // Written into the log, where a later version must find them again.
        #expect(self.hash("home/door", "open") == 7_801_130_664_271_336_269)
    }

    @Test func `parts, bytes and lengths make a difference`() {
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
