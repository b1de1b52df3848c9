import Glibc
import Logging
import NIOCore
import Synchronization
import Testing

@testable import BridgeCore
@testable import BridgeTesting

/// Sources whose events need expressions: nobody who sends waits for an evaluation, and nothing of what is promised changes.
@Suite(.timeLimit(.minutes(2)))
struct SourceQueueTests {
    private let language = GatedLanguage()
    private let metrics = Metrics()

    private func route(_ word: String = "true", sources: Set<String>? = nil) throws -> Route {
        Route(name: word, sources: sources, when: try self.language.compile(word), targets: [.init(sink: 0)])
    }

    private func bridge(
        _ routes: [Route], sources: [String] = ["in"], normalise: NormaliseSettings = NormaliseSettings(),
        acknowledge: AcknowledgePolicy = .delivered, source: (any Source)? = nil, sink: (any Sink)? = nil
    ) -> Bridge {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return Bridge(
            sources: sources.map { name in
                SourceParts(
                    name: name, source: source ?? ScriptedSource(), acknowledge: acknowledge,
                    intake: IntakeSettings(normalise: NormaliseBlocks(normalise), bridge: "here"), retry: RetrySettings(),
                    metrics: ComponentMetrics(component: name, kind: "test", direction: "source", metrics: self.metrics),
                    logger: logger)
            },
            sinks: [
                SinkParts(
                    name: "out", sink: sink ?? RecordingSink(), delivery: DeliverySettings(),
                    metrics: ComponentMetrics(component: "out", kind: "test", direction: "sink", metrics: self.metrics),
                    logger: logger)
            ],
            table: RouteTable(routes: routes), metrics: self.metrics, logger: logger
        )
    }

    private static func message(_ subject: String, _ size: Int = 2) -> ReceivedMessage {
        ReceivedMessage(subject: subject, body: ByteBuffer(repeating: UInt8(ascii: "x"), count: size))
    }

    private static func take(_ bridge: Bridge) -> [Delivery] {
        if case .batch(let batch) = bridge.sinks[0].inlet.poll(atMost: .max) { batch } else { [] }
    }

    @Test func `whoever sends goes on while expressions are evaluated, and other sources flow`() async throws {
        let bridge = self.bridge(
            [try self.route(sources: ["slow"]), Route(name: "plain", sources: ["fast"], targets: [.init(sink: 0)])],
            sources: ["slow", "fast"])
        let (slow, fast) = (bridge.sources[0].outlet, bridge.sources[1].outlet)
        #expect(slow.answersLater && !fast.answersLater)
        self.language.close()
        let first = slow.send([Self.message("a"), Self.message("b")])
        slow.gap(.outage, "lost")
        let last = slow.send([Self.message("c")])
        #expect(first.demand == .more && first.position < last.position && slow.safe < first.position)
        #expect(slow.send([]).position == last.position)
        try await eventually("its expressions are evaluated") { !self.language.exchanges.isEmpty }
        let other = fast.send([Self.message("d")])
        let delivered = Self.take(bridge)
        #expect(delivered.map(\.event.subject) == ["d"])
        bridge.sinks[0].inlet.confirm(through: delivered[0])
        #expect(fast.safe >= other.position && slow.safe < first.position)
        self.language.open()
        var rest: [Delivery] = []
        try await eventually("the others follow in order") {
            rest += Self.take(bridge)
            return rest.count == 4
        }
        #expect(rest.map(\.event.subject) == ["a", "b", "gap", "c"])
        #expect(!self.language.threads.contains(UInt(pthread_self())))
        bridge.sinks[0].inlet.confirm(through: rest[1])
        #expect(slow.safe >= first.position && slow.safe < last.position)
        bridge.sinks[0].inlet.confirm(through: rest[3])
        try await slow.untilSafe(last.position)
        #expect(slow.safe == last.position)
    }

    @Test(arguments: [(4097, 2), (9, 1 << 20)])
    func `a source pauses when too much waits for expressions, and goes on at half of it`(count: Int, size: Int) async throws {
        let bridge = self.bridge([try self.route()])
        let outlet = bridge.sources[0].outlet
        let calls = Mutex(0)
        outlet.onChange { calls.withLock { $0 += 1 } }
        self.language.close()
        var demands: [SourceOutlet.Demand] = []
        for _ in 0..<count { demands.append(outlet.send([Self.message("a", size)]).demand) }
        #expect(demands.last == .pause && outlet.demand == .pause)
        #expect(demands.prefix(count / 2).allSatisfy { $0 == .more })
        // What was read already is not refused.
        #expect(outlet.send([Self.message("z")]).demand == .pause)
        #expect(bridge.pending == count + 1)
        self.language.open()
        try await outlet.untilDemand()
        #expect(outlet.demand == .more && calls.withLock { $0 } > 0)
        var delivered: [Delivery] = []
        try await eventually("all of it is delivered") {
            delivered += Self.take(bridge)
            return delivered.count == count + 1
        }
        #expect(delivered.last?.event.subject == "z")
        #expect(self.language.exchanges.allSatisfy { $0 <= SourceQueue.piece.events })
    }

    @Test func `each sender hears its id, in order, before its event counts as safe`() async throws {
        let bridge = self.bridge([try self.route()], acknowledge: .received)
        let outlet = bridge.sources[0].outlet
        let answers = Mutex<[(id: String?, isSafe: Bool)]>([])
        self.language.close()
        for number in 0..<20 {
            var message = Self.message("a")
            message.upstreamID = "id-\(number)"
            let place = outlet.send([]).position.next
            _ = outlet.send(message) { id in answers.withLock { $0.append((id, outlet.safe >= place)) } }
        }
        let own = ByteBuffer(
            string: #"{"id":"m","title":"","message":"x","timestamp":"2026-01-15T10:00:00.000Z"}"#)
        let (loop, last) = (
            ReceivedMessage(
                subject: "a", body: own,
                attributes: Attributes([(Provenance.hopsAttribute, "9"), (Provenance.originAttribute, "there")])),
            Self.message("a")
        )
        _ = outlet.send(loop) { id in answers.withLock { $0.append((id, false)) } }
        _ = outlet.send(last) { id in answers.withLock { $0.append((id, false)) } }
        self.language.open()
        try await eventually("all are answered") { answers.withLock { $0.count } == 22 }
        let found = answers.withLock { $0 }
        #expect(found.prefix(20).map(\.id) == (0..<20).map { "id-\($0)" })
        #expect(found[20].id == nil && found[21].id != nil)
        #expect(found.allSatisfy { !$0.isSafe })
    }

    @Test func `an end waits for expressions, and counts what they have not decided in time`() async throws {
        let (source, sink) = (ScriptedSource(), RecordingSink())
        let bridge = self.bridge([try self.route()], source: source, sink: sink)
        self.language.close()
        let outcome = try await bridge.whileRunning(drain: .seconds(20), release: {}) {
            try await eventually("it runs") { source.outlet != nil }
            source.send([Self.message("a"), Self.message("b")])
            try await eventually("they are evaluated") { !self.language.exchanges.isEmpty }
            Task { self.language.open() }
        }
        #expect(outcome.left == 0 && sink.events.map(\.subject) == ["a", "b"])

        let late = ScriptedSource()
        let other = self.bridge([try self.route()], source: late)
        self.language.close()
        let cut = try await other.whileRunning(drain: .milliseconds(200), release: {}) {
            try await eventually("it runs") { late.outlet != nil }
            late.send([Self.message("a"), Self.message("b")])
        }
        #expect(cut.left == 2 && cut.stopping < .seconds(10))
        self.language.open()
    }

    @Test func `places are forgotten in pairs when very many wait, and none is safe too early`() {
        var state = SourceQueue.State(appended: .start)
        for number in 2...20_000 as ClosedRange<UInt64> {
            state.add(.gap(SourceLoss(kind: .outage, reason: "", subject: "", period: nil)))
            state.finish(state.take(), through: Position(number), at: Position(number * 3))
            state.thinOut()
            #expect(state.marks.count <= SourceQueue.marks + 1)
        }
        var last = Position.start
        for place in stride(from: UInt64(0), through: 60_000, by: 999) {
            let safe = state.settle(through: Position(place))
            #expect(safe.rawValue * 3 <= max(place, 3) && safe >= last)
            last = safe
        }
        #expect(state.settle(through: Position(60_000)) == Position(20_000))
    }

    // MARK: Normalising

    @Test func `templates of normalise are evaluated once for a batch, and what fails is counted and as without it`() async throws
    {
        func template(_ text: String) throws -> Template { try Template(text, compiler: self.language) }
        let settings = NormaliseSettings(
            title: try template("{{ upper }}"), message: try template("{{ fail }}"),
            priority: try template("{{ odd }}{{ $subject }}"),
            id: try template("{{ $subject }} {{ upper }}"), timestamp: try template("{{ fail }}"))
        let bridge = self.bridge([Route(name: "plain", targets: [.init(sink: 0)])], normalise: settings)
        let outlet = bridge.sources[0].outlet
        #expect(outlet.answersLater)
        let body = ByteBuffer(string: #"{"text":"as it is","priority":5}"#)
        _ = outlet.send((0..<20).map { ReceivedMessage(subject: "s\($0)", body: body) })
        var delivered: [Delivery] = []
        try await eventually("all are delivered") {
            delivered += Self.take(bridge)
            return delivered.count == 20
        }
        #expect(self.language.exchanges == [20 * 5])
        #expect(delivered.map(\.event.title) == (0..<20).map { "S\($0)" })
        #expect(
            delivered.allSatisfy { $0.event.message == "as it is" && $0.event.priority == 5 && $0.event.id.hasPrefix("msg_") })
        let line = #"streambridge_normalise_errors_total{component="in",direction="source",kind="test"} 80"#
        #expect(self.metrics.render().contains(line))
    }
}
