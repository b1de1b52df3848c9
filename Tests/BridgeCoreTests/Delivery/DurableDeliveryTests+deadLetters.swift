import NIOCore
import Synchronization
import Testing

@testable import BridgeCore

/// Dead letters with a log on disk.
extension DurableDeliveryTests {
    @Test func `what a sink gives up is kept, and its mark moves on in the same group`() throws {
        let fixture = Fixture()
        fixture.delivery.append(["a", "b"])
        fixture.commit()
        let taken = fixture.delivery.take()
        fixture.log.refuse(sink: 0, taken[0], reason: "it is wrong")
        let changes = fixture.commit().changes
        #expect(changes.sinks.map(\.position) == [Position(1)])
        guard case .keep(let letter) = try #require(changes.letters.first) else { throw Missing() }
        #expect(letter.reason == "it is wrong")
        #expect(letter.sink == "sink-0")
        #expect(letter.route == "route")
        #expect(letter.attempts == 1)
        #expect(letter.target == nil)
        #expect(letter.event.id == "a")
        let metric = #"streambridge_dead_letters_total{component="sink-0",direction="sink",kind="test",reason="refused"}"#
        #expect(fixture.delivery.metric(metric) == 1)
    }

    @Test func `a letter for a dead-letter sink is a record of its own, and is kept until that has it`() throws {
        let sinks = [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()]
        let fixture = Fixture(sinks: sinks)
        fixture.delivery.append(["a"])
        fixture.commit()
        fixture.log.refuse(sink: 0, fixture.delivery.take()[0], reason: "it is wrong")
        #expect(fixture.delivery.take(sink: 1).isEmpty, "it is not written yet")
        let work = fixture.commit()
        guard case .keep(let letter) = try #require(work.changes.letters.first) else { throw Missing() }
        #expect(letter.target == "sink-1")
        #expect(work.records.map(\.position) == [Position(2)])
        #expect(work.records.map(\.record.routing.plan.letter?.id) == [letter.id])
        let delivery = fixture.delivery.take(sink: 1)[0]
        #expect(delivery.event.kind == .deadLetter && delivery.position == Position(2) && delivery.route.isEmpty)
        fixture.log.confirm(sink: 1, through: delivery)
        let changes = fixture.commit().changes
        guard case .forget(letter.id) = try #require(changes.letters.first) else { throw Missing() }
        #expect(changes.sinks == [SinkMark(sink: "sink-1", position: Position(2))])
        // After a restart it is offered again.
        let next = Fixture(sinks: sinks, contents: Self.contents(letters: 1, of: "sink-1"))
        #expect(next.log.takePages().map(\.sink) == [1])
        next.log.loaded([Self.letter(1)], through: Position(1), sink: 1)
        next.log.confirm(sink: 1, through: next.delivery.take(sink: 1)[0])
        guard case .forget(1) = try #require(next.commit().changes.letters.first) else { throw Missing() }
    }

    @Test func `letters for a sink that is away are in memory up to a bound, and come in their order`() throws {
        let fixture = Fixture(sources: [.delivered], sinks: [DeliverySettings(deadLetter: "sink-1"), .onDisk])
        var file = PlainLogFile()
        func commit() {
            let work = fixture.log.takeWork()
            file.commit(work)
            fixture.log.committed(work)
        }
        let body = String(repeating: "x", count: 32 << 10)
        let (ids, group) = ((0..<1500).map(String.init), 100)
        for start in stride(from: 0, to: ids.count, by: group) {
            _ = fixture.log.append(ids[start..<start + group].map { .made($0, to: [0], message: body) }, source: 0)
            commit()
            for delivery in fixture.delivery.take() { fixture.log.refuse(sink: 0, delivery, reason: "no") }
        }
        commit()
        #expect(fixture.log.backlog(of: 1).events == ids.count)
        #expect(fixture.log.state.withLock { $0.machine.log.weight } <= DiskState.window.bytes)
        #expect(fixture.delivery.safe() == 0, "the source of the first one waits for its letter")
        var taken: [String] = []
        for _ in 0..<1000 where taken.count < ids.count {
            let batch = fixture.delivery.take(group, sink: 1)
            taken += batch.map(\.event.id)
            if let last = batch.last { fixture.log.confirm(sink: 1, through: last) }
            commit()
            for (sink, _, after) in fixture.log.takePages() {
                let page = file.page(of: sink, after: after, atMost: 128)
                fixture.log.loaded(page.deliveries, through: page.through, sink: sink)
            }
        }
        #expect(taken == ids)
        #expect(fixture.log.backlog(of: 1) == (0, 0))
        commit()
        #expect(file.letters.isEmpty)
        #expect(fixture.delivery.safe() == UInt64(ids.count + ids.count - group), "the head when the last ones were appended")
    }

    /// What an earlier run leaves that has appended dead letters for a sink, at the positions from 1 on.
    static func contents(letters: Int, of sink: String) -> LogContents {
        var contents = LogContents()
        contents.head = Position(UInt64(letters))
        contents.sinks[sink] = LogContents.Owed(
            mark: SinkMark(sink: sink, position: .start), count: letters, weight: letters * 300)
        return contents
    }

    /// A dead letter that was read back, with its position as its id.
    static func letter(_ id: Int64) -> Delivery {
        var delivery = Delivery(
            event: .made("\(id)", kind: .deadLetter), variant: 0, route: "", attempts: 0, position: Position(UInt64(id)),
            ticket: 0)
        delivery.letter = id
        return delivery
    }

    @Test func `a letter whose record cannot be read back is owed no more, and is kept`() throws {
        let fixture = Fixture(sources: [.delivered], contents: Self.contents(letters: 2, of: "sink-0"))
        #expect(fixture.log.backlog(of: 0) == (2, 600))
        #expect(fixture.log.takePages().map(\.sink) == [0])
        #expect(fixture.delivery.safe() == 0)
        let unreadable = [1, 2].map { UnreadableEvent(position: Position($0), deliveries: 1, weight: 300, letter: Int64($0)) }
        fixture.log.loaded([], unreadable: unreadable, through: Position(2), sink: 0)
        #expect(fixture.log.backlog(of: 0) == (0, 0))
        #expect(fixture.delivery.safe() == 2)
        #expect(Self.held(fixture.commit()) == [1, 2])
        fixture.log.finish()
        #expect(fixture.log.hasEnded(sink: 0))
    }

    static func held(_ work: DeliveryLog.Work) -> [Int64] {
        work.changes.letters.compactMap { if case .hold(let id) = $0 { id } else { nil } }
    }

    @Test(arguments: [OverflowPolicy.dropOldest, .deadLetter])
    func `letters on disk from an earlier run are dropped before newer events`(policy: OverflowPolicy) {
        var settings = DeliverySettings()
        (settings.events, settings.onFull) = (5, policy)
        let fixture = Fixture(sinks: [settings], contents: Self.contents(letters: 2, of: "sink-0"))
        #expect(fixture.log.takePages().map(\.sink) == [0])
        // The first attempt fails, so that events come before the letters do.
        fixture.log.notLoaded(sink: 0)
        fixture.delivery.append(["a", "b", "c", "d"])
        fixture.commit()
        #expect(fixture.log.backlog(of: 0).events == 6, "nothing newer is dropped")
        #expect(fixture.log.takePages().map(\.sink) == [0])
        fixture.log.loaded([1, 2].map(Self.letter), through: Position(2), sink: 0)
        #expect(fixture.log.backlog(of: 0).events == 5)
        #expect(Self.held(fixture.commit()) == [1])
        #expect(fixture.delivery.take().map(\.event.id) == ["2", "a", "b", "c", "d"])
    }

    @Test func `the source of each event waits until its letter is settled, whatever the order`() {
        let fixture = Fixture(sources: [.delivered], sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        fixture.delivery.append(["a", "b", "c"])
        fixture.commit()
        let taken = fixture.delivery.take()
        for index in [1, 0, 2] { fixture.log.refuse(sink: 0, taken[index], reason: "no") }
        fixture.commit()
        let letters = fixture.delivery.take(sink: 1)
        #expect(letters.map(\.event.id) == ["b", "a", "c"])
        var safe: [UInt64] = []
        for index in [2, 1, 0] {
            fixture.log.confirm(sink: 1, letters[index])
            safe.append(fixture.delivery.safe())
        }
        #expect(safe == [0, 0, 3])
        let other = Fixture(sources: [.delivered], sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        other.delivery.append(["a", "b", "c"])
        other.commit()
        for delivery in other.delivery.take() { other.log.refuse(sink: 0, delivery, reason: "no") }
        other.commit()
        safe = other.delivery.take(sink: 1).map { delivery in
            other.log.confirm(sink: 1, delivery)
            return other.delivery.safe()
        }
        #expect(safe == [1, 2, 3])
    }
}
