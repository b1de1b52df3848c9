import NIOCore
import Testing

@testable import BridgeCore

struct OverflowTests {
    @Test func `a full sink pauses the sources that wait there, until half is gone`() {
        let fixture = DeliveryFixture(
            sources: [.delivered, .delivered], sinks: [DeliverySettings(events: 4, onFull: .block), DeliverySettings()]
        )
        fixture.append(["x"], source: 1, to: [1])
        #expect(fixture.append(["1", "2", "3", "4"], source: 0).demand == .more)
        #expect(fixture.append(["5"], source: 0).demand == .pause)
        #expect(fixture.isPaused(0))
        #expect(!fixture.isPaused(1))
        let taken = fixture.take()
        #expect(taken.count == 5, "what was read is never refused")
        fixture.log.confirm(sink: 0, through: taken[1])
        #expect(fixture.isPaused(0))
        fixture.log.confirm(sink: 0, through: taken[2])
        #expect(!fixture.isPaused(0))
    }

    @Test func `bytes count as well as events`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(bytes: 500, onFull: .block)])
        #expect(fixture.append(["a"]).demand == .more)
        #expect(fixture.append(["b"]).demand == .pause)
    }

    @Test func `a long subject and long attributes count as well`() {
        func event(_ subject: String, _ attributes: Attributes) -> Event {
            Event(
                id: "a", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
                json: ByteBuffer(string: "{}"), source: "in", subject: subject, attributes: attributes,
                raw: ByteBuffer(string: "x")
            )
        }
        #expect(event("subject", Attributes([("qos", "1")])).weight == 259)
        #expect(event(String(repeating: "s", count: 60_000), Attributes()).weight == 60_003)
        let long = Attributes([(String(repeating: "n", count: 1000), String(repeating: "v", count: 2000)), ("b", "c")])
        #expect(event("", long).weight == 3 + 3000 + 2 + 64)
    }

    @Test func `the oldest is dropped and counted, never what is in flight`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(events: 3, onFull: .dropOldest)])
        fixture.append(["a"])
        let held = fixture.take()
        fixture.append(["b", "c", "d", "e"])
        #expect(!fixture.isPaused())
        #expect(fixture.take().map(\.event.id) == ["d", "e"])
        #expect(held.map(\.event.id) == ["a"])
        #expect(
            fixture.metric(
                "streambridge_events_dropped_total{component=\"sink-0\",direction=\"sink\",kind=\"test\",reason=\"overflow\"}"
            ) == 2
        )
    }

    @Test func `what was dropped does not hold its source up`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(events: 1, onFull: .dropOldest)])
        fixture.append(["a", "b", "c"])
        let taken = fixture.take()
        fixture.log.confirm(sink: 0, through: taken[0])
        #expect(fixture.safe() == 3)
    }

    @Test(arguments: [nil, LogContents()])
    func `dead letters keep to the bounds of their sink, and what has no room there stays in the file`(contents: LogContents?) {
        let fixture = DeliveryFixture(
            sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings(events: 2, onFull: .dropOldest)], contents: contents
        )
        fixture.append(["a", "b", "c", "d", "e"])
        fixture.log.committed(fixture.log.takeWork())
        for delivery in fixture.take() { fixture.log.refuse(sink: 0, delivery, reason: "it is wrong") }
        fixture.log.committed(fixture.log.takeWork())
        #expect(fixture.log.backlog(of: 1).events == 2)
        let letters = fixture.take(sink: 1)
        #expect(letters.map(\.event.id) == ["d", "e"])
        #expect(
            fixture.metric(
                "streambridge_events_dropped_total{component=\"sink-1\",direction=\"sink\",kind=\"test\",reason=\"overflow\"}"
            ) == 3
        )
        let held = fixture.log.takeWork().changes.letters.compactMap { if case .hold(let id) = $0 { id } else { nil } }
        #expect(held == (contents == nil ? [] : [1, 2, 3]))
        #expect(fixture.safe() == 3)
        fixture.log.confirm(sink: 1, through: letters[1])
        #expect(fixture.safe() == 5)
    }

    @Test func `the oldest becomes a dead letter when asked`() {
        let settings = DeliverySettings(events: 2, onFull: .deadLetter, deadLetter: "sink-1")
        let fixture = DeliveryFixture(sinks: [settings, DeliverySettings()])
        fixture.append(["a", "b", "c"])
        #expect(fixture.take().map(\.event.id) == ["b", "c"])
        let letters = fixture.take(sink: 1)
        #expect(letters.map(\.event.id) == ["a"])
        #expect(letters[0].event.message == "the buffer of the sink is full")
    }

    @Test func `a full log pauses every source`() {
        let fixture = DeliveryFixture(
            sources: [.received, .received], sinks: [DeliverySettings()], limits: LogLimits(events: 2, bytes: .max)
        )
        fixture.append(["a", "b", "c"], source: 0)
        #expect(fixture.isPaused(0))
        #expect(fixture.isPaused(1))
        let taken = fixture.take()
        fixture.log.confirm(sink: 0, through: taken[2])
        #expect(!fixture.isPaused(0))
        #expect(!fixture.isPaused(1))
    }
}
