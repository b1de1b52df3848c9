import BridgeCore
import Testing

@testable import MQTTAdapter

struct MQTTPacketIdentifiersTests {
    /// Receives messages of the same topic and body, and tells which are taken for repetitions where the key is known.
    @discardableResult
    private func receive(_ identifiers: [Int32], _ packets: MQTTPacketIdentifiers, isRepeated: Bool = false) -> [Bool] {
        identifiers.map { identifier in
            [UInt8(1)].withUnsafeBytes { packets.key(identifier, topic: "a", body: $0, isRepeated: isRepeated).mayBeRepeated }
        }
    }

    private func key(_ identifier: Int32, _ packets: MQTTPacketIdentifiers) -> UInt64 {
        [UInt8(1)].withUnsafeBytes { packets.key(identifier, topic: "a", body: $0, isRepeated: true).key }
    }

    /// On a connection, up to where the broker has shown how it counts.
    private func counting() -> MQTTPacketIdentifiers {
        let packets = MQTTPacketIdentifiers()
        packets.begin(nil)
        self.receive([1], packets)
        #expect(packets.acknowledging())
        packets.answered()
        self.receive([2], packets)
        #expect(packets.session.countsUp)
        return packets
    }

    @Test func `what was not acknowledged may come again on the next connection`() {
        let packets = MQTTPacketIdentifiers()
        packets.begin(nil)
        self.receive([1, 2, 3], packets)
        packets.begin(packets.session)
        #expect(self.receive([1, 2], packets, isRepeated: true) == [true, true])
        _ = packets.acknowledging()
        packets.begin(packets.session)
        #expect(self.receive([1, 2, 3], packets, isRepeated: true) == [false, false, true])
    }

    @Test func `what was acknowledged may come again from a broker that counts up`() {
        let packets = self.counting()
        _ = packets.acknowledging()
        packets.begin(packets.session)
        #expect(self.receive([2], packets, isRepeated: true) == [true])
        // A restart knows it too.
        let next = MQTTPacketIdentifiers()
        next.begin(packets.session)
        #expect(self.receive([2], next, isRepeated: true) == [true])
        #expect(self.key(2, next) == self.key(2, packets))
    }

    @Test func `a broker that uses the lowest free identifier never seems to count`() {
        let packets = MQTTPacketIdentifiers()
        packets.begin(nil)
        self.receive([1, 2, 3], packets)
        #expect(packets.acknowledging())
        // Sent before it had the acknowledgements.
        self.receive([4, 5], packets)
        packets.answered()
        self.receive([1, 2, 3, 6, 7], packets)
        #expect(!packets.acknowledging())
        self.receive([1, 2], packets)
        #expect(!packets.session.countsUp)
    }

    @Test func `identifiers that go back make the keys of before count no more, those that begin again at the end do not`() {
        let packets = self.counting()
        let before = packets.session
        self.receive([65_000, 65_535, 1, 2], packets)
        #expect(packets.session == before)
        let key = self.key(2, packets)
        self.receive([2], packets)
        #expect(packets.session.number != before.number && !packets.session.countsUp)
        #expect(self.key(2, packets) != key)
    }

    @Test func `a new session has keys of its own`() {
        let packets = self.counting()
        let key = self.key(2, packets)
        packets.begin(nil)
        #expect(self.key(2, packets) != key)
        #expect(!packets.session.countsUp)
    }
}
