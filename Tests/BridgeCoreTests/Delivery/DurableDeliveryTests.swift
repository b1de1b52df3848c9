import NIOCore
import Synchronization
import Testing

@testable import BridgeCore

/// The log over a store: what is seen and acknowledged when, and what is read back.
struct DurableDeliveryTests {
    /// A log that writes to nothing: each commit is made by the test.
    struct Fixture {
        let delivery: DeliveryFixture
        var log: DeliveryLog { self.delivery.log }

        init(
            sources: [AcknowledgePolicy] = [.logged], sinks: [DeliverySettings] = [DeliverySettings()],
            contents: LogContents = LogContents()
        ) {
            self.delivery = DeliveryFixture(sources: sources, sinks: sinks, contents: contents)
        }

        @discardableResult
        func commit() -> DeliveryLog.Work {
            let work = self.log.takeWork()
            self.log.committed(work)
            return work
        }
    }

    @Test func `a sink sees an event, and its source hears that it is safe, once it is written`() {
        let fixture = Fixture()
        fixture.delivery.append(["a", "b"])
        #expect(fixture.delivery.take().isEmpty)
        #expect(fixture.delivery.safe() == 0)
        #expect(fixture.commit().records.map(\.record.event.id) == ["a", "b"])
        #expect(fixture.delivery.safe() == 2)
        #expect(fixture.delivery.take().map(\.event.id) == ["a", "b"])
    }

    @Test func `a source that acknowledges what is received waits for nothing`() {
        let fixture = Fixture(sources: [.received])
        fixture.delivery.append(["a"])
        #expect(fixture.delivery.safe() == 1)
    }

    @Test func `a source that acknowledges what is delivered waits for the disk and the sink`() {
        let fixture = Fixture(sources: [.delivered])
        fixture.delivery.append(["a"])
        fixture.commit()
        #expect(fixture.delivery.safe() == 0)
        fixture.log.confirm(sink: 0, through: fixture.delivery.take()[0])
        #expect(fixture.delivery.safe() == 1)
    }

    @Test func `what was appended while a group was written belongs to the next`() {
        let fixture = Fixture()
        fixture.delivery.append(["a"])
        let first = fixture.log.takeWork()
        fixture.delivery.append(["b"])
        fixture.log.committed(first)
        #expect(fixture.delivery.take().map(\.event.id) == ["a"])
        #expect(fixture.delivery.safe() == 1)
        fixture.commit()
        #expect(fixture.delivery.take().map(\.event.id) == ["b"])
    }

    @Test func `an event that goes nowhere is safe with the next group, though there is nothing to write`() {
        let fixture = Fixture()
        fixture.delivery.append(["a"], to: [])
        let work = fixture.commit()
        #expect(!work.isEmpty)
        #expect(work.records.isEmpty)
        #expect(fixture.delivery.safe() == 1)
        #expect(fixture.log.takeWork().isEmpty)
    }

    @Test func `sources pause while the disk refuses`() {
        let fixture = Fixture()
        fixture.log.setWritesFail(true)
        #expect(fixture.delivery.append(["a"]).demand == .pause)
        #expect(fixture.delivery.safe() == 0)
        fixture.commit()
        #expect(!fixture.delivery.isPaused())
        #expect(fixture.delivery.safe() == 1)
    }

    @Test func `the mark of a sink stands before the first event that it owes, with what is settled behind`() {
        let fixture = Fixture()
        fixture.delivery.append(["a", "b", "c", "d"])
        fixture.commit()
        let taken = fixture.delivery.take(3)
        fixture.log.confirm(sink: 0, taken[0])
        fixture.log.confirm(sink: 0, taken[2])
        #expect(fixture.commit().changes.sinks == [SinkMark(sink: "sink-0", position: Position(1), ahead: [Position(3)])])
        // The connection is lost: what is settled stays so.
        fixture.log.reclaim(sink: 0)
        let again = fixture.delivery.take()
        #expect(again.map(\.event.id) == ["b", "d"])
        fixture.log.confirm(sink: 0, again[1])
        let marks = fixture.commit().changes.sinks
        #expect(marks == [SinkMark(sink: "sink-0", position: Position(1), ahead: [Position(3), Position(4)])])
        fixture.log.confirm(sink: 0, again[0])
        #expect(fixture.commit().changes.sinks == [SinkMark(sink: "sink-0", position: Position(4))])
    }

    @Test func `a sink that was owed something begins there, less what it had settled`() throws {
        var contents = LogContents()
        contents.head = Position(10)
        contents.sinks["sink-0"] = LogContents.Owed(
            mark: SinkMark(sink: "sink-0", position: Position(6), ahead: [Position(8)]), count: 3, weight: 3000
        )
        let fixture = Fixture(sources: [.delivered], contents: contents)
        #expect(fixture.log.backlog(of: 0) == (3, 3000))
        #expect(fixture.log.takePages().map(\.after) == [Position(6)])
        #expect(fixture.delivery.take().isEmpty)
        fixture.delivery.append(["eleven"])
        fixture.commit()
        #expect(fixture.delivery.take().isEmpty, "what is older comes first")
        let loaded = [7, 8, 9, 10].map { number in
            Delivery(
                event: .made("\(number)"), variant: 0, route: "route", attempts: 0, position: Position(UInt64(number)), ticket: 0)
        }
        fixture.log.loaded(loaded, through: Position(10), sink: 0)
        let taken = fixture.delivery.take()
        try #require(taken.map(\.event.id) == ["7", "9", "10", "eleven"])
        #expect(fixture.delivery.safe() == 6)
        fixture.log.confirm(sink: 0, through: taken[3])
        #expect(fixture.delivery.safe() == 11)
        #expect(fixture.commit().changes.sinks == [SinkMark(sink: "sink-0", position: Position(11))])
    }

    @Test func `what no longer fits into memory is read back`() {
        let fixture = Fixture(sinks: [.onDisk])
        let ids = (0..<70_000).map(String.init)
        fixture.delivery.append(ids)
        fixture.commit()
        #expect(fixture.log.takePages().isEmpty, "nobody has asked yet")
        #expect(fixture.delivery.take(1).isEmpty)
        let after = fixture.log.takePages().map(\.after)
        #expect(after == [.start])
        #expect(fixture.log.backlog(of: 0).events == 70_000)
        let page = ids[..<40_000].enumerated().map { index, id in
            Delivery(event: .made(id), variant: 0, route: "route", attempts: 0, position: Position(UInt64(index) + 1), ticket: 0)
        }
        fixture.log.loaded(page, through: Position(40_000), sink: 0)
        var taken: [String] = []
        while case let batch = fixture.delivery.take(1000), let last = batch.last {
            taken += batch.map(\.event.id)
            fixture.log.confirm(sink: 0, through: last)
        }
        #expect(taken == ids)
    }

    @Test func `a buffer that is over its bounds drops what becomes safe, without waiting for more`() {
        var settings = DeliverySettings.onDisk
        (settings.events, settings.onFull) = (10, .dropOldest)
        let fixture = Fixture(sinks: [settings])
        fixture.delivery.append((0..<70_000).map(String.init))
        fixture.commit()
        #expect(fixture.log.backlog(of: 0).events == 10)
        #expect(fixture.delivery.take().map(\.event.id) == (69_990..<70_000).map(String.init))
    }

    @Test func `what an earlier run has left is dropped too until the buffer is within its bounds`() {
        var settings = DeliverySettings.onDisk
        (settings.events, settings.onFull) = (1000, .dropOldest)
        var contents = LogContents()
        contents.head = Position(5000)
        contents.sinks["sink-0"] = LogContents.Owed(mark: SinkMark(sink: "sink-0", position: .start), count: 5000, weight: 5000)
        let fixture = Fixture(sources: [.delivered], sinks: [settings], contents: contents)
        // The sink is away and takes nothing.
        while case let pages = fixture.log.takePages(), let page = pages.first {
            let last = min(page.after.rawValue + 512, 5000)
            let deliveries = (page.after.rawValue + 1...last).map { number in
                Delivery(
                    event: .made("\(number)"), variant: 0, route: "route", attempts: 0, position: Position(number), ticket: 0)
            }
            fixture.log.loaded(deliveries, through: Position(last), sink: 0)
        }
        #expect(fixture.log.backlog(of: 0).events == 1000)
        #expect(fixture.delivery.take(1).map(\.event.id) == ["4001"])
        #expect(fixture.delivery.safe() == 4000)
    }

    @Test func `deliveries that wait for a key in flight use bounded memory`() {
        let fixture = Fixture()
        let routing = Routing(
            plan: RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 0, shape: -1)]), shaped: [],
            keys: [0: DedupeKey(route: "route", key: "same", window: .seconds(60))]
        )
        let body = String(repeating: "x", count: 1 << 20)
        var first: [Delivery] = []
        for round in 0..<7 {
            for number in 0..<7 {
                let event = Event.made("\(round).\(number)", message: body)
                _ = fixture.log.append([LogRecord(event: event, routing: routing, accepted: .now)], source: 0)
            }
            fixture.commit()
            first += fixture.delivery.take()
        }
        #expect(first.map(\.event.id) == ["0.0"])
        #expect(fixture.log.state.withLock { $0.machine.sinks[0].cursor.keys.heldCount } < 48)
        fixture.delivery.append(["other"])
        fixture.commit()
        #expect(fixture.delivery.take().isEmpty)
        let isCalled = Mutex(false)
        fixture.log.observe(sink: 0) { isCalled.withLock { $0 = true } }
        fixture.log.confirm(sink: 0, through: first[0])
        #expect(isCalled.withLock { $0 })
        #expect(fixture.delivery.take().map(\.event.id) == ["other"])
    }

    @Test func `nothing more is handed out while too many letters wait for the disk`() {
        let fixture = Fixture(sinks: [.onDisk])
        let body = String(repeating: "x", count: 1 << 20)
        var inFlight: [Delivery] = []
        for number in 0..<40 {
            _ = fixture.log.append([.made("\(number)", to: [0], message: body)], source: 0)
            fixture.commit()
            if number < 30 { inFlight += fixture.delivery.take() }
        }
        for delivery in inFlight { fixture.log.refuse(sink: 0, delivery, reason: "no") }
        var refused = inFlight.count
        while let delivery = fixture.delivery.take(1).first {
            fixture.log.refuse(sink: 0, delivery, reason: "no")
            refused += 1
        }
        #expect((31...32).contains(refused))
        #expect(fixture.delivery.isPaused())
        let isCalled = Mutex(false)
        fixture.log.observe(sink: 0) { isCalled.withLock { $0 = true } }
        let work = fixture.log.takeWork()
        #expect(work.changes.letters.count == refused)
        #expect(fixture.delivery.take(1).isEmpty, "they are not written yet")
        fixture.log.committed(work)
        #expect(isCalled.withLock { $0 })
        #expect(!fixture.delivery.isPaused())
        #expect(fixture.delivery.take().count == 40 - refused)
    }

    @Test func `a piece that could not be read is asked for once more, whoever asks meanwhile`() {
        var contents = LogContents()
        contents.head = Position(1)
        contents.sinks["sink-0"] = LogContents.Owed(mark: SinkMark(sink: "sink-0", position: .start), count: 1, weight: 300)
        let fixture = Fixture(contents: contents)
        #expect(fixture.log.takePages().map(\.sink) == [0])
        fixture.log.notLoaded(sink: 0)
        #expect(fixture.delivery.take().isEmpty)
        #expect(fixture.log.takePages().map(\.sink) == [0], "two pieces would bring the same events twice")
    }

    @Test func `what cannot be read back is owed no more, and does not keep the rest`() {
        var contents = LogContents()
        contents.head = Position(3)
        contents.sinks["sink-0"] = LogContents.Owed(mark: SinkMark(sink: "sink-0", position: .start), count: 3, weight: 900)
        let fixture = Fixture(sources: [.delivered], contents: contents)
        #expect(fixture.log.takePages().map(\.sink) == [0])
        let read = [1, 3].map { (position: UInt64) in
            Delivery(
                event: .made("\(position)"), variant: 0, route: "route", attempts: 0, position: Position(position), ticket: 0)
        }
        let unreadable = [UnreadableEvent(position: Position(2), deliveries: 1, weight: 300)]
        fixture.log.loaded(read, unreadable: unreadable, through: Position(3), sink: 0)
        let taken = fixture.delivery.take()
        #expect(taken.map(\.event.id) == ["1", "3"])
        #expect(fixture.commit().changes.sinks.map(\.ahead) == [[Position(2)]], "it is not asked for again")
        fixture.log.number(sink: 0, taken[...], from: 1, snapshot: SnapshotChanges())
        fixture.log.confirm(sink: 0, through: taken[1])
        let changes = fixture.commit().changes
        #expect(changes.sinks == [SinkMark(sink: "sink-0", position: Position(3))])
        #expect(changes.numbers.map(\.count) == [1, 1], "no run spans what was not published")
        #expect(fixture.log.backlog(of: 0).events == 0)
        // A sink that is owed nothing but what cannot be read is done with it at once.
        contents.sinks["sink-0"]?.count = 1
        let other = Fixture(contents: contents)
        _ = other.log.takePages()
        other.log.loaded([], unreadable: unreadable, through: Position(3), sink: 0)
        #expect(other.log.backlog(of: 0).events == 0)
        #expect(other.log.takePages().isEmpty)
        other.log.finish()
        #expect(other.log.hasEnded(sink: 0))
    }

    @Test func `letters are numbered like events`() {
        let fixture = Fixture(sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        fixture.delivery.append(["x1", "x2"])
        fixture.delivery.append(["r3", "r4", "r5"], to: [1])
        fixture.commit()
        for delivery in fixture.delivery.take() { fixture.log.refuse(sink: 0, delivery, reason: "it is wrong") }
        fixture.commit()
        let published = fixture.delivery.take(sink: 1)
        #expect(published.map(\.event.id) == ["r3", "r4", "r5", "x1", "x2"])
        #expect(published.map(\.position.rawValue) == [3, 4, 5, 6, 7])
        fixture.log.number(sink: 1, published[...], from: 11, snapshot: SnapshotChanges())
        let run = NumberedRun(sink: "sink-1", first: Position(3), last: Position(7), count: 5, sequence: 11)
        #expect(fixture.commit().changes.numbers == [run])
    }

    @Test func `a replayed letter goes to the sink that gave it up, and is kept until it is delivered`() throws {
        let fixture = Fixture(sources: [.delivered], sinks: [DeliverySettings(), DeliverySettings()])
        fixture.delivery.append(["x"], to: [0, 1])
        fixture.commit()
        let letter = StoredDeadLetter(
            id: 7, time: .now(), sink: "sink-1", route: "route", reason: "old", attempts: 1, target: nil, event: .made("a"),
            position: Position(1)
        )
        let targets = RouteTargets(routes: [], sinks: ["sink-0", "sink-1"])
        #expect(fixture.log.replay(letter, targets))
        #expect(fixture.commit().records.map(\.record.routing.plan.letter?.id) == [7])
        #expect(fixture.delivery.take(sink: 0).map(\.event.id) == ["x"])
        let taken = fixture.delivery.take(sink: 1)
        #expect(taken.map(\.event.id) == ["x", "a"])
        #expect(taken.map(\.route) == ["route", "route"])
        fixture.log.refuse(sink: 1, taken[1], reason: "still wrong")
        guard case .keep(let again) = try #require(fixture.commit().changes.letters.first) else { throw Missing() }
        #expect(again.id == 7)
        #expect(again.reason == "still wrong")
        #expect(fixture.log.replay(again, targets))
        fixture.commit()
        let last = fixture.delivery.take(sink: 1)[0]
        fixture.log.confirm(sink: 1, last)
        guard case .forget(7) = try #require(fixture.commit().changes.letters.first) else { throw Missing() }
        let lost = StoredDeadLetter(
            id: 8, time: .now(), sink: "gone", route: "", reason: "", attempts: 1, target: nil, event: .made("b"),
            position: .start
        )
        #expect(!fixture.log.replay(lost, targets))
    }

    @Test func `what a source gives up is safe once it is written`() throws {
        let fixture = Fixture()
        let kept = fixture.log.keep(.made("a"), repeatKey: 7, reason: "handed out too often", attempts: 5, source: 0)
        let receipt = try #require(kept)
        #expect(fixture.delivery.safe() < receipt.position.rawValue)
        guard case .keep(let letter) = try #require(fixture.commit().changes.letters.first) else { throw Missing() }
        #expect(letter.sink.isEmpty)
        #expect(letter.attempts == 5)
        #expect(letter.repeatKey == 7)
        #expect(fixture.delivery.safe() == receipt.position.rawValue)
        let inMemory = DeliveryFixture().log.keep(.made("a"), repeatKey: 7, reason: "", attempts: 1, source: 0)
        #expect(inMemory == nil, "a log in memory keeps none")
    }

    struct Missing: Error {}
}
