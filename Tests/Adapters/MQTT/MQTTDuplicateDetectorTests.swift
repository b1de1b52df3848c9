import BridgeCore
import Testing

@testable import MQTTAdapter

struct MQTTDuplicateDetectorTests {
    /// Receives messages of the same topic and body, and returns which are taken for duplicates when the key is known.
    @discardableResult
    private func receive(_ identifiers: [Int32], _ packets: MQTTDuplicateDetector, isRepeated: Bool = false) -> [Bool] {
        identifiers.map { identifier in
            [UInt8(1)].withUnsafeBytes { packets.key(identifier, topic: "a", body: $0, isRepeated: isRepeated).mayBeRepeated }
        }
    }

    private func key(_ identifier: Int32, _ packets: MQTTDuplicateDetector) -> UInt64 {
        [UInt8(1)].withUnsafeBytes { packets.key(identifier, topic: "a", body: $0, isRepeated: true).key }
    }

    /// On a connection, up to where the broker has shown how it counts.
    private func counting() -> MQTTDuplicateDetector {
        let packets = MQTTDuplicateDetector()
        packets.begin(nil)
        self.receive([1], packets)
        #expect(packets.acknowledging())
        packets.answered()
        self.receive([2], packets)
        #expect(packets.session.countsUp)
        return packets
    }

    @Test func `unacknowledged messages may be redelivered on the next connection`() {
        let packets = MQTTDuplicateDetector()
        packets.begin(nil)
        self.receive([1, 2, 3], packets)
        packets.begin(packets.session)
        #expect(self.receive([1, 2], packets, isRepeated: true) == [true, true])
        _ = packets.acknowledging()
        packets.begin(packets.session)
        #expect(self.receive([1, 2, 3], packets, isRepeated: true) == [false, false, true])
    }

    @Test func `a successor knows unacknowledged messages of the same session`() {
        let packets = MQTTDuplicateDetector()
        packets.begin(nil)
        self.receive([1, 2], packets)
        let (same, other) = (MQTTDuplicateDetector(), MQTTDuplicateDetector())
        for successor in [same, other] { successor.adopt(packets) }
        same.begin(packets.session)
        #expect(self.receive([1, 3], same, isRepeated: true) == [true, false])
        other.begin(MQTTDuplicateDetector.Session())
        #expect(self.receive([1], other, isRepeated: true) == [false])
    }

    @Test func `a broker that counts up may redeliver acknowledged messages`() {
        let packets = self.counting()
        _ = packets.acknowledging()
        packets.begin(packets.session)
        #expect(self.receive([2], packets, isRepeated: true) == [true])
        // A restart knows it too.
        let next = MQTTDuplicateDetector()
        next.begin(packets.session)
        #expect(self.receive([2], next, isRepeated: true) == [true])
        #expect(self.key(2, next) == self.key(2, packets))
    }

    @Test func `a broker that uses the lowest free identifier never seems to count`() {
        let packets = MQTTDuplicateDetector()
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

    @Test func `identifiers that go back invalidate earlier keys, and those that wrap around do not`() {
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
