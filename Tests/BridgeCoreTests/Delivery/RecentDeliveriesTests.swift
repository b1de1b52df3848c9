import BridgeTesting
import Testing

@testable import BridgeCore

/// The latest deliveries, against a plain list.
struct RecentDeliveriesTests {
    private typealias Key = RecentDeliveries.Key

    private static let contents = 3

    /// Few identities that meet in the same places of the table, which is what removing must get right.
    private func key(_ random: inout SeededGenerator, _ capacity: Int) -> Key {
        let isCounted = Bool.random(using: &random)
        return Key(
            content: UInt64.random(in: 1...4, using: &random),
            identity: UInt32.random(in: 0..<4, using: &random) << 20 | UInt32.random(in: 0..<UInt32(capacity), using: &random),
            group: UInt32.random(in: 1...2, using: &random), isCounted: isCounted
        )
    }

    private func isSame(_ one: Key, _ other: Key) -> Bool { one.content == other.content && one.identity == other.identity }

    @Test(arguments: [1, 2, 31, 32, 33, 100])
    func `it knows the latest and no others, and counts the contents of a group`(capacity: Int) {
        var random = SeededGenerator(seed: UInt64(capacity))
        var recent = RecentDeliveries(capacity: capacity, contents: Self.contents)
        var known: [(key: Key, number: Int)] = []
        // With those that were forgotten since, whose places stay used.
        var order: [Int] = []
        for number in 0..<20_000 {
            let key = self.key(&random, capacity)
            if Int.random(in: 0..<10, using: &random) == 0 {
                recent.forget(key)
                known.removeAll { self.isSame($0.key, key) }
                continue
            }
            let expected: RecentDeliveries.Verdict =
                if known.contains(where: { self.isSame($0.key, key) }) {
                    .isKnown
                } else if known.count(where: { $0.key.identity == key.identity && $0.key.group == key.group }) >= Self.contents {
                    .isTooMany
                } else {
                    .isNew
                }
            #expect(recent.note(key) == expected)
            guard expected == .isNew else { continue }
            known.append((key, number))
            order.append(number)
            guard order.count > capacity else { continue }
            let oldest = order.removeFirst()
            known.removeAll { $0.number == oldest }
        }
    }

    @Test func `a forgotten delivery that comes again is remembered for its full turn`() {
        func key(_ number: UInt64) -> Key { Key(content: number, identity: UInt32(number), group: 1, isCounted: true) }
        var recent = RecentDeliveries(capacity: 3, contents: 2)
        #expect(recent.note(key(1)) == .isNew)
        recent.forget(key(1))
        for number in [2, 1, 3] as [UInt64] { #expect(recent.note(key(number)) == .isNew) }
        #expect(recent.note(key(1)) == .isKnown, "its first place is the oldest and has gone")
        #expect(recent.note(key(4)) == .isNew)
        #expect(recent.note(key(5)) == .isNew)
        #expect(recent.note(key(1)) == .isNew, "its second place has gone")
    }

    @Test func `those that are not counted do not take the places of those that are`() {
        var recent = RecentDeliveries(capacity: 100, contents: 2)
        for content in 1...2 {
            #expect(recent.note(Key(content: UInt64(content), identity: 7, group: 0, isCounted: false)) == .isNew)
        }
        for content in 3...4 {
            #expect(recent.note(Key(content: UInt64(content), identity: 7, group: 9, isCounted: true)) == .isNew)
        }
        #expect(recent.note(Key(content: 5, identity: 7, group: 9, isCounted: true)) == .isTooMany)
        #expect(recent.note(Key(content: 1, identity: 7, group: 9, isCounted: true)) == .isKnown)
    }
}
