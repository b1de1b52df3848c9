import NIOCore
import Synchronization
import Testing

@testable import BridgeCore

/// `dedupe:` of a route, in two steps: no event is lost as a duplicate of one that was not delivered.
struct DedupeTests {
    private let fixture = DeliveryFixture()

    private func append(_ id: String, key: String, window: Duration = .seconds(60)) {
        let routing = Routing(
            plan: RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 0, shape: -1)]), shaped: [],
            keys: [0: DedupeKey(route: "route", key: key, window: window)]
        )
        _ = self.fixture.log.append([LogRecord(event: .made(id), routing: routing, accepted: .now)], source: 0)
    }

    private var repeated: Int {
        self.fixture.metric(#"streambridge_events_deduplicated_total{component="sink-0",direction="sink",kind="test"}"#)
    }

    @Test func `an event whose key was delivered goes nowhere, and its source hears that it is safe`() {
        self.append("a", key: "door")
        self.fixture.log.confirm(sink: 0, through: self.fixture.take()[0])
        self.append("b", key: "door")
        self.append("c", key: "window")
        #expect(self.fixture.take().map(\.event.id) == ["c"])
        #expect(self.fixture.safe() == 2)
        #expect(self.repeated == 1)
    }

    @Test func `keys that differ in their bytes only are different keys`() {
        self.append("a", key: "\u{E9}")
        self.append("b", key: "e\u{301}")
        let taken = self.fixture.take()
        #expect(taken.map(\.event.id) == ["a", "b"])
        self.fixture.log.confirm(sink: 0, through: taken[1])
        self.append("c", key: "\u{E9}")
        #expect(self.fixture.take().isEmpty)
        #expect(self.repeated == 1)
    }

    @Test func `what comes while the first is on its way is held back, and settled with it`() {
        self.append("a", key: "door")
        self.append("b", key: "door")
        let taken = self.fixture.take()
        #expect(taken.map(\.event.id) == ["a"])
        #expect(self.fixture.log.backlog(of: 0).events == 2)
        #expect(self.fixture.safe() == 0)
        self.fixture.log.confirm(sink: 0, through: taken[0])
        #expect(self.fixture.take().isEmpty)
        #expect(self.fixture.safe() == 2)
        #expect(self.fixture.log.backlog(of: 0) == (0, 0))
        #expect(self.repeated == 1)
    }

    @Test func `what was held back takes the place of a first that is given up`() {
        self.append("a", key: "door")
        self.append("b", key: "door")
        self.append("c", key: "door")
        let first = self.fixture.take()[0]
        self.fixture.log.refuse(sink: 0, first, reason: "it is wrong")
        let second = self.fixture.take()
        #expect(second.map(\.event.id) == ["b"])
        #expect(self.fixture.safe() == 1)
        self.fixture.log.confirm(sink: 0, through: second[0])
        #expect(self.fixture.take().isEmpty)
        #expect(self.fixture.safe() == 3)
    }

    /// So the position of an event cannot be its id on a stream; see Architecture.md.
    @Test func `what was held back is delivered after later events and keeps its lower position`() {
        self.append("a", key: "door")
        self.append("b", key: "door")
        self.append("c", key: "window")
        let taken = self.fixture.take()
        #expect(taken.map(\.event.id) == ["a", "c"])
        self.fixture.log.refuse(sink: 0, taken[0], reason: "it is wrong")
        let late = self.fixture.take()
        #expect(late.map(\.event.id) == ["b"])
        #expect(late[0].position < taken[1].position)
    }

    /// So the position of an event cannot be its id on a stream; see Architecture.md.
    @Test func `an event that reaches a sink by two routes is delivered twice at one position`() {
        let entries = [0, 1].map { RoutePlan.Entry(sink: 0, variant: 0, route: $0, shape: -1) }
        let routing = Routing(plan: RoutePlan(entries: entries), shaped: [], keys: [:])
        _ = self.fixture.log.append([LogRecord(event: .made("a"), routing: routing, accepted: .now)], source: 0)
        let taken = self.fixture.take()
        #expect(taken.map(\.event.id) == ["a", "a"])
        #expect(taken[0].position == taken[1].position)
    }

    @Test func `what comes behind many repetitions is handed out, to a sink that looks only when it is called too`() {
        self.append("a", key: "door")
        self.fixture.log.confirm(sink: 0, through: self.fixture.take()[0])
        for number in 0..<1000 { self.append("r\(number)", key: "door") }
        self.append("b", key: "window")
        let isCalled = Mutex(true)
        self.fixture.log.observe(sink: 0) { isCalled.withLock { $0 = true } }
        var taken: [Delivery] = []
        while taken.isEmpty,
            isCalled.withLock({ called in
                defer { called = false }; return called
            })
        {
            taken = self.fixture.take(1)
        }
        #expect(taken.map(\.event.id) == ["b"])
        #expect(self.repeated == 1000)
        // Which of them are settled matters to a disk only.
        #expect(self.fixture.log.state.withLock { $0.machine.sinks[0].cursor.ahead.isEmpty })
    }

    @Test func `what is dropped before it was handed out leaves the key with whom it belongs to`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(events: 3, onFull: .dropOldest)])
        func append(_ id: String) {
            let routing = Routing(
                plan: RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 0, shape: -1)]), shaped: [],
                keys: [0: DedupeKey(route: "route", key: "door", window: .seconds(60))]
            )
            _ = fixture.log.append([LogRecord(event: .made(id), routing: routing, accepted: .now)], source: 0)
        }
        append("a")
        let first = fixture.take()
        #expect(first.map(\.event.id) == ["a"])
        for id in ["b", "c", "d", "e"] { append(id) }
        fixture.log.confirm(sink: 0, through: first[0])
        append("f")
        #expect(fixture.take().isEmpty)
    }

    @Test func `a first that is offered again after its connection was lost is no repetition of itself`() {
        self.append("a", key: "door")
        self.append("b", key: "door")
        _ = self.fixture.take()
        self.fixture.log.reclaim(sink: 0)
        #expect(self.fixture.take().map(\.event.id) == ["a"])
    }

    @Test func `a key counts for its window of time`() {
        self.append("a", key: "door", window: .zero)
        self.fixture.log.confirm(sink: 0, through: self.fixture.take()[0])
        self.append("b", key: "door", window: .zero)
        #expect(self.fixture.take().map(\.event.id) == ["b"])
    }

    @Test func `delivered keys go to the disk, and count after a restart`() {
        let durable = DeliveryFixture(contents: LogContents())
        let routing = Routing(
            plan: RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 0, shape: -1)]), shaped: [],
            keys: [0: DedupeKey(route: "route", key: "door", window: .seconds(60))]
        )
        func append(_ id: String, to log: DeliveryLog) {
            _ = log.append([LogRecord(event: .made(id), routing: routing, accepted: .now)], source: 0)
            log.committed(log.takeWork())
        }
        append("a", to: durable.log)
        durable.log.confirm(sink: 0, through: durable.take()[0])
        let keys = durable.log.takeWork().changes.keys
        #expect(keys.map(\.sink) == ["sink-0"])
        var contents = LogContents()
        contents.head = Position(1)
        contents.keys = keys
        let next = DeliveryFixture(contents: contents)
        append("b", to: next.log)
        #expect(next.take().isEmpty)
        #expect(next.safe() == 2)
    }

    @Test func `only so many keys are kept, the oldest go first`() {
        var keys = DeliveredKeys()
        let expires = Timestamp(milliseconds: .max)
        for number in 0...DeliveredKeys.limit { keys.insert("\(number)", expires) }
        func verdict(_ key: String) -> DeliveredKeys.Verdict {
            var delivery = Delivery(event: .made("e"), variant: 0, route: "", attempts: 0, position: Position(1), ticket: 0)
            delivery.key = DedupeKey(text: key, window: .seconds(1))
            return keys.reserve(delivery, now: .now())
        }
        #expect(verdict("0") == .isNew)
        #expect(verdict("1") == .wasDelivered)
        #expect(verdict("\(DeliveredKeys.limit)") == .wasDelivered)
    }
}
