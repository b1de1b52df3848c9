import Testing

@testable import BridgeCore

struct LoopDetectorTests {
    private let loopDetector = LoopDetector()

    private func pass(_ record: LogRecord, native: Bool) -> (left: [SinkIndex], repeated: Int, looped: Int) {
        var records = [record]
        let count = self.loopDetector.filter(&records, native: [native])
        return (records.first?.routing.plan.entries.map(\.sink) ?? [], count.repeated, count.looped.count)
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

    @Test func `an event without an id of its own is never a duplicate`() {
        _ = self.pass(.made("a", to: [0]), native: false)
        #expect(self.pass(.made("a", to: [0]), native: false).left == [0])
    }

    @Test func `a batch keeps its order around what is taken out`() {
        _ = self.pass(.made("b", to: [0]), native: true)
        var records = ["a", "b", "c"].map { LogRecord.made($0, to: [0]) }
        #expect(self.loopDetector.filter(&records, native: [true, true, true]) == (1, [], [0]))
        #expect(records.map(\.event.id) == ["a", "c"])
    }

    @Test func `the same id and timestamp with other words is another event`() {
        _ = self.pass(.made("a", to: [0], message: "the door is open"), native: true)
        #expect(self.pass(.made("a", to: [0], message: "the door is closed"), native: true).left == [0])
        let again = self.pass(.made("a", to: [0], message: "the door is open"), native: true)
        #expect(again.left == [])
        #expect(again.repeated == 1)
    }

    @Test func `an event that is changed each time it comes round does not loop forever`() {
        _ = self.pass(.made("a", to: [0], message: "x"), native: false)
        var rounds = 0
        while self.pass(.made("a", to: [0], message: "x \(rounds)"), native: true).left == [0], rounds < 100 { rounds += 1 }
        #expect(rounds == LoopDetector.contents)
        let last = self.pass(.made("a", to: [0], message: "once more"), native: true)
        #expect(last.looped == 1)
        #expect(last.repeated == 0)
    }

    @Test func `others with somebody's id and timestamp, from another source, do not make that one a loop`() {
        for number in 0..<(2 * LoopDetector.contents) {
            _ = self.pass(.made("a", source: 1, to: [0], message: "forged \(number)"), native: true)
        }
        #expect(self.pass(.made("a", source: 2, to: [0], message: "real"), native: true).left == [0])
        let again = self.pass(.made("a", source: 1, to: [0], message: "real"), native: true)
        #expect(again.repeated == 1, "the same event is the same, whoever brings it")
    }

    @Test func `what a sink has not had may come again, as often as that happens`() {
        let fixture = DeliveryFixture(
            sinks: [DeliverySettings(events: 3, onFull: .dropOldest), DeliverySettings()], loopDetector: self.loopDetector
        )
        for _ in 0..<(2 * LoopDetector.contents) {
            #expect(self.pass(.made("a", to: [0]), native: true).left == [0])
            fixture.append(["a"])
            fixture.log.refuse(sink: 0, fixture.take()[0], reason: "not now")
        }
        #expect(self.pass(.made("a", to: [0]), native: true).left == [0])
        fixture.append(["a", "b", "c", "d"])
        #expect(self.pass(.made("a", to: [0]), native: true).left == [0], "it was dropped")
        fixture.log.confirm(sink: 0, fixture.take()[2])
        _ = self.pass(.made("d", to: [0]), native: true)
        #expect(self.pass(.made("d", to: [0]), native: true).left == [], "it was delivered")
    }

    @Test func `the oldest are forgotten`() {
        _ = self.pass(.made("first", to: [0]), native: true)
        #expect(self.pass(.made("first", to: [0]), native: true).left == [])
        for index in 0..<32_768 { _ = self.pass(.made("\(index)", to: [0]), native: true) }
        #expect(self.pass(.made("first", to: [0]), native: true).left == [0])
    }
}
