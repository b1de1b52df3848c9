import Testing

@testable import BridgeCore

struct LoopGuardTests {
    private let loopGuard = LoopGuard()

    private func pass(_ record: LogRecord, native: Bool) -> (left: [Int], repeated: Int) {
        var records = [record]
        let repeated = self.loopGuard.filter(&records, native: [native])
        return (records.first?.routing.plan.entries.map(\.sink) ?? [], repeated)
    }

    @Test func `an event that comes back does not go to the same sink again`() {
        #expect(self.pass(.made("a", to: [0, 1]), native: false).left == [0, 1])
        let again = self.pass(.made("a", to: [0, 1]), native: true)
        #expect(again.left == [])
        #expect(again.repeated == 1)
    }

    @Test func `it may go on to a sink that has not had it`() {
        _ = self.pass(.made("a", to: [0]), native: false)
        let again = self.pass(.made("a", to: [0, 2]), native: true)
        #expect(again.left == [2])
        #expect(again.repeated == 0)
    }

    @Test func `an event without an id of its own is never taken for a repetition`() {
        _ = self.pass(.made("a", to: [0]), native: false)
        #expect(self.pass(.made("a", to: [0]), native: false).left == [0])
    }

    @Test func `a batch keeps its order around what is taken out`() {
        _ = self.pass(.made("b", to: [0]), native: true)
        var records = ["a", "b", "c"].map { LogRecord.made($0, to: [0]) }
        #expect(self.loopGuard.filter(&records, native: [true, true, true]) == 1)
        #expect(records.map(\.event.id) == ["a", "c"])
    }

    @Test func `the oldest are forgotten`() {
        _ = self.pass(.made("first", to: [0]), native: true)
        for index in 0..<32_768 { _ = self.pass(.made("\(index)", to: [0]), native: true) }
        #expect(self.pass(.made("first", to: [0]), native: true).left == [0])
    }
}
