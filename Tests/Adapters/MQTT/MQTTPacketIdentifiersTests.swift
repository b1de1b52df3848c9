import BridgeCore
import Testing

@testable import MQTTAdapter

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
