import NIOCore
import Testing

@testable import BridgeCore

/// `replace_key`: a later event supersedes those with its key that a sink has not got yet.
struct ReplaceKeyTests {
    private static let superseded =
        #"streambridge_events_superseded_total{component="sink-0",direction="sink",kind="test"}"#

    private static func record(_ id: String, _ key: String?, body: String? = nil) -> LogRecord {
        let keys: [RouteIndex: DedupeKey] = key.map { [0: DedupeKey(route: "r", key: $0, window: DedupeKey.superseding)] } ?? [:]
        let plan = RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 0, shape: -1)])
        return LogRecord(
            event: .made(id, message: body), routing: Routing(plan: plan, shaped: [], keys: keys), accepted: .now)
    }

    private static func append(_ fixture: DeliveryFixture, _ events: (String, String?)...) {
        _ = fixture.log.append(events.map { Self.record($0.0, $0.1) }, source: 0)
    }

    @Test func `only the last undelivered event of a key is delivered, in its place`() {
        let fixture = DeliveryFixture()
        Self.append(fixture, ("a1", "a"), ("b1", "b"), ("plain", nil), ("a2", "a"), ("b2", "b"), ("a3", "a"))
        let taken = fixture.take()
        #expect(taken.map(\.event.id) == ["plain", "b2", "a3"])
        #expect(fixture.metric(Self.superseded) == 3)
        fixture.log.confirm(sink: 0, through: taken[2])
        #expect(fixture.safe() == 6)
        #expect(fixture.log.backlog(of: 0) == (0, 0))
    }

    @Test func `what is in flight is not superseded, unless it is offered again`() {
        let fixture = DeliveryFixture()
        Self.append(fixture, ("a1", "a"))
        #expect(fixture.take().map(\.event.id) == ["a1"])
        Self.append(fixture, ("a2", "a"))
        #expect(fixture.metric(Self.superseded) == 0)
        fixture.log.reclaim(sink: 0)
        #expect(fixture.take().map(\.event.id) == ["a2"])
        #expect(fixture.metric(Self.superseded) == 1)
    }

    @Test func `a delivered event supersedes nothing later`() {
        let fixture = DeliveryFixture()
        for number in 1...3 {
            Self.append(fixture, ("a\(number)", "a"))
            let taken = fixture.take()
            #expect(taken.map(\.event.id) == ["a\(number)"])
            fixture.log.confirm(sink: 0, through: taken[0])
        }
        #expect(fixture.metric(Self.superseded) == 0)
    }

    @Test(arguments: OverflowPolicy.allCases)
    func `superseded events do not fill the buffer of an unreachable sink`(policy: OverflowPolicy) {
        var settings = DeliverySettings(events: 100)
        settings.onFull = policy
        let fixture = DeliveryFixture(sinks: [settings])
        for number in 0..<5000 { Self.append(fixture, ("e\(number)", "key \(number % 10)")) }
        #expect(fixture.log.backlog(of: 0).events <= 101)
        #expect(!fixture.isPaused())
        #expect(fixture.take().map(\.event.id) == (4990..<5000).map { "e\($0)" })
        #expect(fixture.metric(Self.superseded) == 4990)
    }

    @Test func `distinct keys fill the buffer as usual`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(events: 100)])
        for number in 0..<101 { Self.append(fixture, ("e\(number)", "key \(number)")) }
        #expect(fixture.isPaused())
        #expect(fixture.take().count == 101)
    }

    @Test func `an event that is not written yet supersedes nothing`() {
        let fixture = DurableDeliveryTests.Fixture()
        Self.append(fixture.delivery, ("a1", "a"))
        fixture.commit()
        Self.append(fixture.delivery, ("a2", "a"))
        #expect(fixture.delivery.take().map(\.event.id) == ["a1"])
        fixture.commit()
        #expect(fixture.delivery.take().map(\.event.id) == ["a2"])
    }

    @Test func `what an earlier run left is superseded by what it left later`() {
        var contents = LogContents()
        contents.head = Position(3)
        var owed = LogContents.Owed(mark: SinkMark(sink: "sink-0", position: .start), count: 3, weight: 900)
        let key = DedupeKey(route: "r", key: "a", window: DedupeKey.superseding)
        owed.newest = [key.text: Position(3)]
        contents.sinks["sink-0"] = owed
        let fixture = DurableDeliveryTests.Fixture(contents: contents)
        let loaded = (1...3).map { number in
            var delivery = Delivery(
                event: .made("\(number)"), variant: 0, route: "r", attempts: 0, position: Position(UInt64(number)), ticket: 0)
            delivery.key = number == 2 ? nil : key
            return delivery
        }
        fixture.log.loaded(loaded, through: Position(3), sink: 0)
        let taken = fixture.delivery.take()
        #expect(taken.map(\.event.id) == ["2", "3"])
        #expect(fixture.delivery.metric(Self.superseded) == 1)
        fixture.log.confirm(sink: 0, through: taken[1])
        #expect(fixture.commit().changes.sinks == [SinkMark(sink: "sink-0", position: Position(3))])
    }

    @Test func `the keys of a sink are bounded`() {
        var keys = NewestKeys()
        for number in 0...NewestKeys.limit {
            keys.note(DedupeKey(route: "r", key: "\(number)", window: DedupeKey.superseding), at: Position(UInt64(number) + 1))
        }
        func supersedes(_ key: String) -> Bool {
            var delivery = Delivery(event: .made("x"), variant: 0, route: "r", attempts: 0, position: .start, ticket: 0)
            delivery.key = DedupeKey(route: "r", key: key, window: DedupeKey.superseding)
            return keys.supersedes(delivery, visible: Position(.max))
        }
        #expect(!supersedes("0"), "the oldest are forgotten")
        #expect(supersedes("\(NewestKeys.limit)"))
    }
}
