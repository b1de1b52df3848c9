import BridgeTesting
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BridgeCore

/// Sinks whose templates need expressions: their threads never wait for an evaluation, and they are given what they were given before.
@Suite(.timeLimit(.minutes(1)))
struct SinkPreparationTests {
    private let language = GatedLanguage()
    private let fixture = DeliveryFixture()

    private func inlet(_ templates: [[Template]]? = nil) throws -> SinkInlet {
        let templates = try templates ?? [[self.template()]]
        return SinkInlet(
            log: self.fixture.log, sink: 0,
            status: ComponentStatus(
                metrics: ComponentMetrics(component: "sink-0", kind: "test", direction: "sink", metrics: self.fixture.metrics)),
            templates: templates
        )
    }

    private func template(_ text: String = "{{ upper }}") throws -> Template { try Template(text, compiler: self.language) }

    /// What the templates make of deliveries, as a sink renders them.
    private func render(_ deliveries: [Delivery], _ template: Template) -> [String] {
        let reader = EventReader()
        reader.begin(deliveries)
        defer { reader.endBatch() }
        return deliveries.map { delivery in
            reader.load(delivery.event)
            return (try? template.render(reader)) ?? "failed"
        }
    }

    /// Takes what is ready, in as many steps as it takes.
    private func take(_ inlet: SinkInlet, _ count: Int) async throws -> [Delivery] {
        var taken: [Delivery] = []
        try await eventually("\(count) are handed out, \(taken.count) were") {
            if case .batch(let batch) = inlet.poll(atMost: count - taken.count) { taken += batch }
            return taken.count == count
        }
        return taken
    }

    @Test(arguments: [1, 3, 200]) func `deliveries are handed out once their expressions are evaluated elsewhere`(count: Int)
        async throws
    {
        let inlet = try self.inlet()
        self.language.close()
        self.fixture.append((0..<count).map(String.init))
        for _ in 0..<100 { if case .empty = inlet.poll(atMost: 9) {} else { Issue.record("it was handed out unevaluated") } }
        self.language.open()
        let taken = try await self.take(inlet, count)
        #expect(taken.map(\.event.id) == (0..<count).map(String.init))
        #expect(self.language.exchanges.allSatisfy { $0 <= SinkPreparation.most })
    }

    @Test func `what was found is what the sink renders, without another exchange`() async throws {
        let template = try self.template("{{ upper }}-{{ odd }}")
        let inlet = try self.inlet([[template]])
        self.fixture.append(["a", "b", "c"])
        let taken = try await self.take(inlet, 3)
        let exchanges = self.language.exchanges
        #expect(exchanges.reduce(0, +) == 6 && !self.language.threads.contains(UInt(pthread_self())))
        #expect(self.render(taken, template) == ["failed", "failed", "failed"])
        #expect(self.language.exchanges == exchanges)
        // One by one, too.
        #expect(self.render([taken[1]], template) == ["failed"] && self.language.exchanges == exchanges)
    }

    @Test func `an event that goes to the sink twice with settings of their own is rendered with each`() async throws {
        let templates = try [self.template("{{ upper }}"), self.template("{{ true }}")]
        let inlet = try self.inlet(templates.map { [$0] })
        let event = Event.made("a")
        let entries = [0, 1].map { RoutePlan.Entry(sink: 0, variant: $0, route: 0, shape: -1) }
        let record = LogRecord(event: event, routing: Routing(plan: RoutePlan(entries: entries), shaped: []), accepted: .now)
        _ = self.fixture.log.append([record], source: 0)
        let taken = try await self.take(inlet, 2)
        let (exchanges, reader) = (self.language.exchanges, EventReader())
        reader.begin(taken)
        let texts = try taken.map { delivery in
            reader.load(delivery.event)
            return try templates[delivery.variant].render(reader)
        }
        #expect(texts == ["SUBJECT", "true"] && self.language.exchanges == exchanges)
    }

    @Test func `what was ready or being evaluated is offered again, once and in order`() async throws {
        let inlet = try self.inlet()
        self.fixture.append((0..<150).map(String.init))
        let first = try await self.take(inlet, 70)
        inlet.confirm(through: first[9])
        self.language.close()
        inlet.reclaim()
        _ = inlet.poll(atMost: 1)
        inlet.reclaim()
        self.language.open()
        let again = try await self.take(inlet, 140)
        #expect(again.map(\.event.id) == (10..<150).map(String.init))
        inlet.confirm(through: again[139])
        #expect(self.fixture.log.backlog(of: 0).events == 0)
    }

    @Test func `its end comes once all is handed out, and is reported once`() async throws {
        let inlet = try self.inlet()
        let calls = Mutex(0)
        inlet.onAvailable { calls.withLock { $0 += 1 } }
        self.fixture.append(["a", "b"])
        let taken = try await self.take(inlet, 2)
        self.fixture.log.finish()
        try await eventually("it has ended") { if case .ended = inlet.poll(atMost: 9) { true } else { false } }
        let count = calls.withLock { $0 }
        for _ in 0..<200 { _ = inlet.poll(atMost: 9) }
        _ = await holds(within: .milliseconds(100)) { false }
        #expect(calls.withLock { $0 } <= count + 1, "a sink that waits for confirmations is not woken again and again")
        inlet.reclaim()
        let again = try await self.take(inlet, 2)
        #expect(again.map(\.event.id) == taken.map(\.event.id))
        inlet.confirm(through: again[1])
        try await eventually("it has ended for good") { if case .ended = inlet.poll(atMost: 9) { inlet.hasEnded } else { false } }
    }

    @Test func `a loop that drains it is woken when there is something`() async throws {
        let inlet = try self.inlet()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let seen = Mutex<[String]>([])
        async let drained: Void = InletPump(inlet, on: loop) { drain in
            let batch = drain.take(atMost: 16)
            guard let last = batch.last else { return }
            seen.withLock { $0 += batch.map(\.event.id) }
            inlet.confirm(through: last)
            drain.resume()
        }.run()
        for number in 0..<500 { self.fixture.append(["\(number)"]) }
        self.fixture.log.finish()
        try await drained
        #expect(seen.withLock { $0 } == (0..<500).map(String.init))
    }

    @Test func `one that awaits gets everything, and can be cancelled`() async throws {
        let inlet = try self.inlet()
        let waiting = Task { try await inlet.next(atMost: 9) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        self.fixture.append((0..<300).map(String.init))
        self.fixture.log.finish()
        var taken: [String] = []
        while true {
            let batch = try await inlet.next(atMost: 50)
            guard let last = batch.last else { break }
            taken += batch.map(\.event.id)
            inlet.confirm(through: last)
        }
        #expect(taken == (0..<300).map(String.init))
    }
}
