import BridgeTesting
import Testing

@testable import BridgeCore

/// The set of the latest keys, against a plain list.
struct RecentSetTests {
    /// Few different keys with the same low bits meet in the same places of the table, which is what removing must get right.
    @Test(arguments: [1, 2, 31, 32, 33, 100])
    func `it knows the latest and no others`(capacity: Int) {
        var random = SeededGenerator(seed: UInt64(capacity))
        var recent = RecentSet(capacity: capacity)
        var model: [UInt64] = []
        for _ in 0..<20_000 {
            let key = UInt64.random(in: 0..<4, using: &random) << 32 | UInt64.random(in: 0..<UInt64(capacity), using: &random)
            // No key and 1 are the same to it, which a hash never is.
            guard key != 1 else { continue }
            #expect(recent.contains(key) == model.contains(key))
            let isNew = !model.contains(key)
            #expect(recent.insert(key) == isNew)
            if isNew {
                model.append(key)
                if model.count > capacity { model.removeFirst() }
            }
        }
        for key in model { #expect(recent.contains(key)) }
    }

    @Test func `keys of an earlier run are known, the latest of too many`() {
        let recent = RecentSet(capacity: 100, Array(1000..<1150))
        #expect(!recent.contains(1049))
        #expect(recent.contains(1050))
        #expect(recent.contains(1149))
    }
}
