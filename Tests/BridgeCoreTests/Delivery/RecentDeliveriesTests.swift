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
        var known: [Key] = []
        // With those that were forgotten since, whose places stay used.
        var order: [Key] = []
        for _ in 0..<20_000 {
            let key = self.key(&random, capacity)
            if Int.random(in: 0..<10, using: &random) == 0 {
                recent.forget(key)
                known.removeAll { self.isSame($0, key) }
                continue
            }
            let expected: RecentDeliveries.Verdict =
                if known.contains(where: { self.isSame($0, key) }) {
                    .isKnown
                } else if known.count(where: { $0.identity == key.identity && $0.group == key.group }) >= Self.contents {
                    .isTooMany
                } else {
                    .isNew
                }
            #expect(recent.note(key) == expected)
            guard expected == .isNew else { continue }
            known.append(key)
            order.append(key)
            guard order.count > capacity else { continue }
            let oldest = order.removeFirst()
            known.removeAll { self.isSame($0, oldest) }
        }
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
