import Testing

@testable import BridgeCore

struct SecretHashTests {
    private let hash = SecretHash()

    private func hashed(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        bytes.withUnsafeBytes { self.hash.hash($0, seed: seed) }
    }

    @Test("Equal bytes hash alike wherever they are in memory")
    func equalBytes() {
        let bytes = (0..<100).map { UInt8($0) }
        for count in 0...100 {
            let moved = [0xFF] + bytes[..<count]
            let hash = moved.withUnsafeBytes { self.hash.hash(.init(rebasing: $0[1...]), seed: 0) }
            #expect(self.hashed(Array(bytes[..<count])) == hash)
        }
    }

    @Test("Each byte, the length and the seed change the hash", arguments: [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 200])
    func differences(count: Int) {
        let bytes = [UInt8](repeating: 0, count: count)
        var hashes: Set<UInt64> = [self.hashed(bytes), self.hashed(bytes + [0]), self.hashed(bytes, seed: 1)]
        for index in 0..<count {
            for bit in 0..<8 {
                var other = bytes
                other[index] = 1 << UInt8(bit)
                hashes.insert(self.hashed(other))
            }
        }
        #expect(hashes.count == 3 + 8 * count)
    }

    @Test("A hundred thousand texts that differ in a digit have no hash in common, nor many of the 32 low bits")
    func collisions() {
        var hashes: Set<UInt64> = []
        var low: Set<UInt32> = []
        for number in 0..<100_000 {
            let hash = self.hash.hash("msg_\(number)", seed: 0)
            hashes.insert(hash)
            low.insert(UInt32(truncatingIfNeeded: hash))
        }
        #expect(hashes.count == 100_000)
        // One collision is to be expected of a random function.
        #expect(low.count > 99_980)
    }

    @Test("Another secret gives other hashes")
    func secrets() {
        #expect(SecretHash().hash("text", seed: 0) != self.hash.hash("text", seed: 0))
        #expect(SecretHash().hash(1, seed: 0) != self.hash.hash(1, seed: 0))
    }

    @Test("A number is hashed with its seed")
    func numbers() {
        let hashes = Set((0..<1000).flatMap { one in (0..<10).map { self.hash.hash(UInt64(one), seed: $0) } })
        #expect(hashes.count == 10_000)
    }
}
