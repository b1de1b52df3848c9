import BridgeTesting
import Logging
import NIOCore
import Testing

@testable import BridgeCore

/// Events for which an expression of a route fails: they are kept where dead letters are, and counted in any case.
@Suite(.timeLimit(.minutes(1)))
struct LostRouteTests {
    private let language = GatedLanguage()
    private let metrics = Metrics()

    /// A bridge with the sinks `out`, `other`, `letters` and `rest`.
    private func bridge(_ routes: [Route], deadLetter: String? = nil, unrouted: SinkIndex? = nil) -> Bridge {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return Bridge(
            sources: [
                SourceParts(
                    name: "in", source: ScriptedSource(), acknowledge: .delivered, intake: IntakeSettings(bridge: "here"),
                    retry: RetrySettings(),
                    metrics: ComponentMetrics(component: "in", kind: "test", direction: "source", metrics: self.metrics),
                    logger: logger)
            ],
            sinks: ["out", "other", "letters", "rest"].map { name in
                SinkParts(
                    name: name, sink: RecordingSink(), delivery: DeliverySettings(deadLetter: name == "out" ? deadLetter : nil),
                    metrics: ComponentMetrics(component: name, kind: "test", direction: "sink", metrics: self.metrics),
                    logger: logger)
            },
            table: RouteTable(routes: routes), unrouted: unrouted, metrics: self.metrics, logger: logger
        )
    }

    /// Sends one event that all expressions fail for, and waits until it is in the log.
    private func send(_ bridge: Bridge) async throws {
        let receipt = bridge.sources[0].outlet.send([ReceivedMessage(subject: "2", body: ByteBuffer(string: "x"))])
        await bridge.sources[0].outlet.untilAppended()
        #expect(bridge.sources[0].outlet.unappended == 0 && receipt.demand == .more)
    }

    private static func take(_ bridge: Bridge, _ sink: Int) -> [Event] {
        if case .batch(let batch) = bridge.sinks[sink].inlet.poll(atMost: .max) { batch.map(\.event) } else { [] }
    }

    private func count(_ name: String, _ labels: String = #"component="in",direction="source",kind="test",reason="expression""#)
        -> Int
    {
        let lead = "streambridge_\(name)_total{\(labels)} "
        let line = self.metrics.render().split(separator: "\n").first { $0.hasPrefix(lead) }
        return line.flatMap { Int($0.dropFirst(lead.count)) } ?? 0
    }

    private func routes(_ onError: Route.OnError = .deadLetter) throws -> [Route] {
        let shaping = try decode(Shaping.self, #"{"title": "{{ fail }}"}"#, compiler: self.language)
        return [
            Route(
                name: "failing", when: try self.language.compile("fail"), targets: [.init(sink: 0), .init(sink: 1)], stop: true,
                onError: onError),
            Route(name: "shaping", shaping: shaping, targets: [.init(sink: 1)], onError: onError),
            Route(name: "plain", targets: [.init(sink: 1)]),
        ]
    }

    @Test func `a failing condition sends the event to the dead letters of the route's sinks, with the reason`() async throws {
        let bridge = self.bridge(try self.routes(), deadLetter: "letters")
        try await self.send(bridge)
        let letters = Self.take(bridge, 2)
        #expect(letters.map(\.message) == ["'when' of the route 'failing' failed: it failed"])
        #expect(letters.first?.kind == .deadLetter)
        #expect(letters.first.flatMap { $0.payload.map { String(buffer: $0) } }?.contains(#""route":"failing""#) == true)
        #expect(Self.take(bridge, 0).isEmpty)
        #expect(Self.take(bridge, 1).map(\.subject) == ["2"], "the other routes are not touched")
        // `other` has no dead letters, so what `set` failed for is only counted.
        #expect(self.count("dead_letters") == 1 && self.count("events_dropped") == 1)
        #expect(self.count("route_errors", #"component="in",direction="source",kind="test",route="failing""#) == 1)
    }

    @Test func `its source waits until the letter is safe`() async throws {
        let bridge = self.bridge([try self.routes()[0]], deadLetter: "letters")
        let outlet = bridge.sources[0].outlet
        let receipt = outlet.send([ReceivedMessage(subject: "2", body: ByteBuffer(string: "x"))])
        await outlet.untilAppended()
        #expect(outlet.safe < receipt.position)
        guard case .batch(let letters) = bridge.sinks[2].inlet.poll(atMost: 9) else { return #expect(Bool(false), "no letter") }
        bridge.sinks[2].inlet.confirm(through: letters[0])
        #expect(outlet.safe == receipt.position)
    }

    @Test func `without dead letters it goes where unrouted events go, once, and else is counted as dropped`() async throws {
        let failing = try self.routes()[0]
        let bridge = self.bridge([failing], unrouted: 3)
        try await self.send(bridge)
        #expect(Self.take(bridge, 3).map(\.message) == ["'when' of the route 'failing' failed: it failed"])
        #expect(self.count("dead_letters") == 1 && self.count("events_dropped") == 0)
        let without = self.bridge([failing])
        try await self.send(without)
        #expect(self.count("events_dropped") == 1 && self.count("dead_letters") == 1)
        #expect(without.pending == 0)
    }

    @Test func `a route that ignores failures keeps nothing`() async throws {
        let bridge = self.bridge([try self.routes(.ignore)[0]], deadLetter: "letters", unrouted: 3)
        try await self.send(bridge)
        #expect(Self.take(bridge, 2).isEmpty)
        #expect(Self.take(bridge, 3).map(\.message) == ["no route matches it"])
        #expect(self.count("dead_letters") == 0 && self.count("events_dropped") == 0)
    }
}
