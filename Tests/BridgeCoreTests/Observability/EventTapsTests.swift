import NIOCore
import Synchronization
import Testing

@testable import BridgeCore

/// Watching events without slowing anything.
struct EventTapsTests {
    private static func record(_ id: String, bytes: Int = 0) -> LogRecord {
        let event = Event(
            id: id, title: nil, message: String(repeating: "x", count: bytes), priority: nil, tags: [],
            timestamp: Timestamp(milliseconds: 0), payload: nil, source: "home", subject: "a", attributes: Attributes(),
            raw: ByteBuffer(), limits: EventLimits(message: 100_000_000))
        let plan = RoutePlan(entries: [RoutePlan.Entry(sink: 0, variant: 0, route: 1, shape: -1)], names: Self.names)
        return LogRecord(event: event, routing: Routing(plan: plan, shaped: []), accepted: .now)
    }

    private static let names = RouteNames(
        routes: ["first", "second"].map { Route(name: $0, targets: [Route.Target(sink: 0)]) }, sinks: [])

    @Test func `taps that end give what waits, and nothing later`() throws {
        let taps = EventTaps()
        let tap = try #require(taps.open(at: .source(nil)))
        let calls = Atomic(0)
        taps.accepted([Self.record("1")], from: "home")
        tap.onEvents { calls.add(1, ordering: .relaxed) }
        taps.end()
        #expect(tap.hasEnded && !taps.isWatched && calls.load(ordering: .relaxed) == 1)
        taps.accepted([Self.record("2")], from: "home")
        #expect(tap.take(atMost: 10).events.map(\.event.id) == ["1"])
        #expect(try #require(taps.open(at: .source(nil))).hasEnded)
        #expect(!taps.isWatched)
    }

    @Test func `nobody watches until a tap is opened and after it is closed`() throws {
        let taps = EventTaps()
        #expect(!taps.isWatched)
        let tap = try #require(taps.open(at: .source(nil)))
        #expect(taps.isWatched)
        taps.close(tap)
        taps.close(tap)
        #expect(!taps.isWatched)
    }

    @Test func `more taps than allowed are refused until one is closed`() throws {
        let taps = EventTaps()
        let open = try (0..<EventTaps.most).map { _ in try #require(taps.open(at: .source(nil))) }
        #expect(taps.open(at: .source(nil)) == nil)
        taps.close(open[0])
        #expect(taps.open(at: .source(nil)) != nil)
    }

    @Test func `a tap sees the events of its point only`() throws {
        let taps = EventTaps()
        let points: [EventTap.Point] = [
            .source(nil), .source("home"), .source("other"), .route("second"), .route("first"), .sink("out"), .sink("other"),
        ]
        let open = try points.map { try #require(taps.open(at: $0)) }
        taps.accepted([Self.record("a"), Self.record("b")], from: "home")
        taps.confirmed(
            [Delivery(event: Self.record("c").event, variant: 0, route: "second", attempts: 0, position: .start, ticket: 0)],
            by: "out")
        let seen = open.map { $0.take(atMost: 10).events.map(\.event.id) }
        #expect(seen == [["a", "b"], ["a", "b"], [], ["a", "b"], [], ["c"], []])
        #expect(open[3].take(atMost: 1).events.isEmpty)
    }

    @Test func `a watcher that does not keep up misses the oldest events, which are counted`() throws {
        let taps = EventTaps()
        let tap = try #require(taps.open(at: .source(nil)))
        let records = (0..<EventTap.limit + 5).map { Self.record("\($0)") }
        taps.accepted(records, from: "home")
        let taken = tap.take(atMost: .max)
        #expect(taken.events.count == EventTap.limit && taken.events.first?.event.id == "5")
        #expect(taken.seen == EventTap.limit + 5 && taken.dropped == 5)
    }

    @Test func `large events are bounded by their bytes, and one of any size passes`() throws {
        let taps = EventTaps()
        let tap = try #require(taps.open(at: .source(nil)))
        let half = EventTap.weightLimit / 2
        taps.accepted((0..<3).map { Self.record("\($0)", bytes: half) }, from: "home")
        #expect(tap.take(atMost: .max).events.map(\.event.id) == ["2"])
        taps.accepted([Self.record("huge", bytes: 2 * EventTap.weightLimit)], from: "home")
        #expect(tap.take(atMost: .max).events.map(\.event.id) == ["huge"])
    }

    @Test func `the watcher is woken when events wait that did not before`() throws {
        let taps = EventTaps()
        let tap = try #require(taps.open(at: .source(nil)))
        let calls = Mutex(0)
        tap.onEvents { calls.withLock { $0 += 1 } }
        for id in ["a", "b"] { taps.accepted([Self.record(id)], from: "home") }
        #expect(calls.withLock { $0 } == 1)
        _ = tap.take(atMost: 10)
        taps.accepted([Self.record("c")], from: "home")
        #expect(calls.withLock { $0 } == 2)
    }
}
