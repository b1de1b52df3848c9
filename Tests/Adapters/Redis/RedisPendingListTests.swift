import BridgeCore
import NIOCore
import Testing

@testable import RedisAdapter

/// Each transition of the list of pending entries, without a server.
struct RedisPendingListTests {
    private var list = RedisPendingList(maximumDeliveries: 3)

    private static func entry(_ id: String, deliveries: Int? = nil, isDeleted: Bool = false) -> RedisStreamEntry {
        var entry = RedisStreamEntry(id: id, fields: isDeleted ? nil : [(ByteBuffer(string: "a"), ByteBuffer(string: "1"))])
        entry.deliveries = deliveries
        return entry
    }

    private static func pending(_ id: String, deliveries: Int = 1) -> RedisPendingEntry {
        RedisPendingEntry(id: id, consumer: "me", idle: 0, deliveries: deliveries)
    }

    @Test func `a new entry is sent, and acknowledged by the batch that it was sent with`() {
        var list = self.list
        #expect(list.reading(Self.entry("1-0"), content: 7) == .send)
        list.sent([("1-0", 7), ("2-0", 8)], at: Position(5))
        #expect(!list.isEmpty)
        #expect(list.acknowledgement(of: ["1-0"], at: Position(5)) == ["1-0"])
        list.acknowledged(["1-0"], at: Position(5))
        #expect(list.contains("2-0") && !list.contains("1-0"))
        #expect(list.acknowledgement(of: ["1-0"], at: Position(5)) == [])
        list.acknowledged(["2-0"], at: Position(5))
        #expect(list.isEmpty)
    }

    @Test func `an entry that is delivered again while in flight is not sent again`() {
        var list = self.list
        list.sent([("1-0", 7)], at: Position(5))
        #expect(list.reading(Self.entry("1-0"), content: 7) == .isInFlight(Position(5)))
        #expect(list.reading(Self.entry("1-0", deliveries: 9), content: 7) == .isInFlight(Position(5)))
    }

    @Test func `an entry that is deleted while in flight is not a loss`() {
        var list = self.list
        list.sent([("1-0", 7)], at: Position(5))
        #expect(list.reading(Self.entry("1-0", isDeleted: true), content: 0) == .isInFlight(Position(5)))
    }

    @Test func `an id with other content is another entry, and only that one is acknowledged from then on`() {
        var list = self.list
        list.sent([("1-0", 7)], at: Position(5))
        #expect(list.reading(Self.entry("1-0"), content: 8) == .send)
        list.sent([("1-0", 8)], at: Position(9))
        #expect(list.acknowledgement(of: ["1-0"], at: Position(5)) == [])
        list.acknowledged(["1-0"], at: Position(5))
        #expect(list.acknowledgement(of: ["1-0"], at: Position(9)) == ["1-0"])
    }

    @Test func `a deleted entry is reported`() {
        #expect(self.list.reading(Self.entry("1-0", deliveries: 9, isDeleted: true), content: 0) == .reportDeleted)
    }

    @Test func `an entry that is too large is given up after any number of deliveries`() {
        let omission = RedisOmission(.alone, "a value has 9 bytes; at most 8 are read")
        var entry = RedisStreamEntry(id: "1-0", fields: [], omission: omission)
        entry.deliveries = 9
        #expect(self.list.reading(entry, content: 0) == .giveUpOversized(omission))
    }

    @Test(
        arguments: [(nil, .send), (1, .send), (3, .send), (4, .giveUpExhausted(deliveries: 4))]
            as [(Int?, RedisPendingList.Reading)])
    func `an entry with too many deliveries is given up`(deliveries: Int?, reading: RedisPendingList.Reading) {
        #expect(self.list.reading(Self.entry("1-0", deliveries: deliveries), content: 0) == reading)
    }

    @Test func `deliveries have no limit by default`() {
        let list = RedisPendingList(maximumDeliveries: 0)
        #expect(!list.countsDeliveries)
        #expect(list.reading(Self.entry("1-0", deliveries: .max), content: 0) == .send)
    }

    @Test func `no entry of a lost group is acknowledged in the new one`() {
        var list = self.list
        list.sent([("1-0", 7)], at: Position(5))
        list.forget()
        #expect(list.isEmpty)
        #expect(list.acknowledgement(of: ["1-0"], at: Position(5)) == [])
        #expect(list.reading(Self.entry("1-0"), content: 7) == .send)
    }

    @Test func `an entry acknowledged between a claim and its answer is neither read again nor reported`() {
        var list = self.list
        list.sent([("1-0", 7), ("2-0", 8), ("3-0", 9)], at: Position(5))
        list.beginClaim()
        list.acknowledged(["1-0", "3-0"], at: Position(5))
        let claimed = list.claimed(["1-0", "2-0", "4-0"].map { Self.entry($0) })
        #expect(claimed.map(\.id) == ["2-0", "4-0"])
        #expect(list.deleted(["3-0", "2-0", "5-0"]) == ["5-0"])
        // A later claim brings it only when the server has delivered it again.
        list.beginClaim()
        #expect(list.claimed([Self.entry("1-0")]).map(\.id) == ["1-0"])
    }

    @Test func `an entry acknowledged without a claim is read again when it is claimed later`() {
        var list = self.list
        list.beginClaim()
        list.endClaim()
        list.sent([("1-0", 7)], at: Position(5))
        list.acknowledged(["1-0"], at: Position(5))
        #expect(list.claimed([Self.entry("1-0")]).map(\.id) == ["1-0"])
        #expect(list.deleted(["1-0"]) == ["1-0"])
    }

    @Test func `a takeover does not count as a delivery once the entry was kept alive`() {
        var list = self.list
        list.beginClaim()
        _ = list.claimed([Self.entry("1-0"), Self.entry("2-0")])
        list.endClaim()
        list.sent([("1-0", 1), ("2-0", 2), ("3-0", 3)], at: Position(5))
        let listed = [
            Self.pending("1-0", deliveries: 3), Self.pending("2-0", deliveries: 1), Self.pending("3-0", deliveries: 3),
            Self.pending("4-0"),
        ]
        let expected: [RedisPendingList.KeepAlive] = [
            .init(ids: ["2-0"], deliveries: 1), .init(ids: ["1-0"], deliveries: 2), .init(ids: ["3-0"], deliveries: nil),
        ]
        #expect(list.keepAlive(listed) == expected)
        // The server has not answered: the same again.
        #expect(list.keepAlive(listed) == expected)
        list.keptAlive(["2-0", "1-0"])
        #expect(list.keepAlive(listed) == [.init(ids: ["1-0", "2-0", "3-0"], deliveries: nil)])
    }

    @Test func `only entries in flight are kept alive`() {
        #expect(self.list.keepAlive([Self.pending("1-0")]) == [])
    }

    @Test func `an acknowledged takeover is forgotten with its delivery`() {
        var list = self.list
        list.beginClaim()
        _ = list.claimed([Self.entry("1-0")])
        list.endClaim()
        list.sent([("1-0", 1)], at: Position(5))
        list.acknowledged(["1-0"], at: Position(5))
        list.sent([("1-0", 1)], at: Position(6))
        #expect(list.keepAlive([Self.pending("1-0", deliveries: 2)]) == [.init(ids: ["1-0"], deliveries: nil)])
    }
}
