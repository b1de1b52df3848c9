import Synchronization
import Testing

@testable import BridgeCore

/// What a log in memory holds, and for how long.
struct LogMemoryTests {
    private func count(_ fixture: DeliveryFixture) -> Int { fixture.log.state.withLock { $0.machine.log.count } }

    @Test func `what no route takes is not held`() {
        let fixture = DeliveryFixture()
        fixture.append(["a", "b", "c"], to: [])
        #expect(self.count(fixture) == 0)
        fixture.append(["d"])
        fixture.append(["e"], to: [])
        #expect(fixture.take().map(\.event.id) == ["d"])
        #expect(self.count(fixture) == 0)
    }

    @Test func `one event for a sink that is away does not hold all that comes after it`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(), DeliverySettings()])
        fixture.append(["alarm"], to: [0])
        for number in 0..<12_000 {
            fixture.append(["\(number)"], to: [1])
            fixture.log.confirm(sink: 1, through: fixture.take(sink: 1)[0])
        }
        #expect(self.count(fixture) < 9000)
        fixture.append(["second"], to: [0])
        let taken = fixture.take()
        #expect(taken.map(\.event.id) == ["alarm", "second"])
        #expect(fixture.safe() == 0)
        fixture.log.confirm(sink: 0, through: taken[1])
        #expect(fixture.safe() == 12_002)
    }

    @Test func `large events for others are not held either`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(), DeliverySettings()])
        let body = String(repeating: "x", count: 1 << 20)
        for number in 0..<100 {
            fixture.append(["\(number)"], to: [0])
            _ = fixture.log.append([.made("large", to: [1], message: body)], source: 0)
            fixture.log.confirm(sink: 1, through: fixture.take(sink: 1)[0])
        }
        #expect(fixture.log.state.withLock { $0.machine.log.weight } < 40 << 20)
        #expect(fixture.take().map(\.event.id) == (0..<100).map(String.init))
    }

    @Test func `a source whose event another has brought waits with it`() {
        let fixture = DeliveryFixture(sources: [.delivered, .delivered])
        fixture.append(["a"], source: 0)
        let receipt = fixture.log.append([], repeated: [0], source: 1)
        #expect(receipt.position == Position(1))
        #expect(fixture.safe(1) == 0)
        fixture.log.confirm(sink: 0, through: fixture.take()[0])
        #expect(fixture.safe(1) == 1)
    }
}
