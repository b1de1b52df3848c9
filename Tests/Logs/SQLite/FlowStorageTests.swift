import BridgeTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// What the tools of routes keep, in the file of the log.
@Suite(.timeLimit(.minutes(1)))
struct FlowStorageTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(self.directory.path)/events.db" }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out"])
    }

    private func commit(_ changes: [FlowChange]) throws {
        let (log, _) = try self.open()
        var group = LogChanges()
        group.flow = changes
        try log.commit(group)
        log.close()
    }

    private static func held(_ id: Int64) -> StoredHeldEvent {
        let event = Event(
            id: "e\(id)", title: "T\u{E4}", message: "m\(id)", priority: 4, tags: ["t"],
            timestamp: Timestamp(milliseconds: 1_700_000_000_123), payload: ByteBuffer(string: #"{"a":1}"#), source: "in",
            subject: "a/b", attributes: Attributes([("x", "y")]), raw: ByteBuffer(string: "raw"),
            provenance: Provenance(origin: "here", hops: 1), limits: EventLimits())
        return StoredHeldEvent(
            id: id, route: "r", tool: "quiet_hours", key: "k\"", due: Timestamp(milliseconds: 5000), event: event,
            targets: [
                StoredEvent.Target(
                    sink: "out", route: "r", variant: 0, copy: -1, key: DedupeKey(text: "r\u{0}key", window: .seconds(60)))
            ],
            reading: #"["a",true,false,"b",false]"#)
    }

    @Test func `held events and states come back as they were`() throws {
        let place = FlowStateKey(route: "r", tool: "throttle", key: "t\u{E4}\u{0}\"")
        let other = FlowStateKey(route: "r", tool: "throttle", key: "ta\u{308}\u{0}\"")
        try self.commit([
            .hold(Self.held(1)), .hold(Self.held(2)), .hold(Self.held(3)), .state(place, "1 2"), .state(other, "3 4"),
            .repeatKey(position: Position(7), source: "in", key: .max),
        ])
        try self.commit([.release(route: "r", id: 2), .state(place, "5 6")])
        let (log, contents) = try self.open()
        defer { log.close() }
        #expect(contents.flow.held.map(\.id) == [1, 3])
        #expect(contents.flow.lastID == 3 && contents.flow.unreadable == 0)
        let (read, held) = (try #require(contents.flow.held.first), Self.held(1))
        #expect(read.event.json == held.event.json && read.event.raw == held.event.raw)
        #expect(read.event.attributes["x"] == "y" && read.event.subject == "a/b")
        #expect(read.targets == held.targets && read.targets.first?.key?.window == .seconds(60))
        #expect(read.route == "r" && read.tool == "quiet_hours" && read.key == "k\"" && read.due == held.due)
        #expect(read.reading == held.reading)
        #expect(Set(contents.flow.states.map(\.text)) == ["5 6", "3 4"])
        #expect(contents.flow.states.first { $0.text == "5 6" }?.place == place)
        #expect(contents.repeatKeys["in"] == [.max])
        #expect(contents.head == Position(7))
    }

    @Test func `a state is removed`() throws {
        let place = FlowStateKey(route: "r", tool: "changed", key: "")
        try self.commit([.state(place, "on")])
        try self.commit([.state(place, nil)])
        let (log, contents) = try self.open()
        defer { log.close() }
        #expect(contents.flow.states.isEmpty)
    }

    @Test func `an unreadable held event stays, and the others come back`() throws {
        try self.commit([.hold(Self.held(1)), .hold(Self.held(2))])
        try SQLiteConnection(path: self.path, creates: false).execute("UPDATE held_events SET event = '{' WHERE id = 2")
        do {
            let (log, contents) = try self.open()
            defer { log.close() }
            #expect(contents.flow.held.map(\.id) == [1])
            #expect(contents.flow.unreadable == 1)
            #expect(contents.flow.lastID == 2, "its id is not used again")
        }
        let count = try SQLiteConnection(path: self.path, creates: false).integer("SELECT count(*) FROM held_events")
        #expect(count == 2)
    }

    @Test func `the latest event of each key of replace_key is known after a restart`() throws {
        let key = DedupeKey(route: "r", key: "a", window: DedupeKey.superseding)
        do {
            let (log, _) = try self.open()
            defer { log.close() }
            var changes = LogChanges()
            changes.events = (1...3).map { number in
                StoredEvent(
                    position: Position(number), accepted: .now(), event: Self.held(Int64(number)).event,
                    targets: [
                        StoredEvent.Target(sink: "out", route: "r", variant: 0, copy: -1, key: number == 3 ? nil : key)
                    ])
            }
            try log.commit(changes)
        }
        let (log, contents) = try self.open()
        defer { log.close() }
        #expect(contents.sinks["out"]?.count == 3)
        #expect(contents.sinks["out"]?.newest == [key.text: Position(2)])
        let events = try log.page(of: "out", after: .start, atMost: 9).events
        #expect(events.map { $0.targets[0].key?.replaces } == [true, true, nil])
    }

    @Test func `a log that was removed from the file counts what its routes hold`() throws {
        try self.commit([.hold(Self.held(1)), .state(FlowStateKey(route: "r", tool: "digest", key: ""), "{}")])
        #expect(try AbandonedLog.find(at: self.path) == AbandonedLog(undelivered: 2, letters: 0))
    }

    // MARK: A bridge that starts again

    /// A clock that a test sets.
    private final class SetClock: Sendable {
        private let time: Mutex<Timestamp>
        private let signal = Signal()

        init(_ text: String) { self.time = Mutex(Timestamp(rfc3339: text) ?? Timestamp(milliseconds: 0)) }

        var now: Timestamp { self.time.withLock { $0 } }

        func set(_ text: String) {
            self.time.withLock { $0 = Timestamp(rfc3339: text) ?? $0 }
            self.signal.notify()
        }

        var clock: WallClock {
            WallClock(
                now: { self.now },
                wait: { time in try await self.signal.wait { self.now >= time } })
        }
    }

    private func bridge(
        _ clock: SetClock, _ source: ScriptedSource, _ sink: RecordingSink, _ metrics: Metrics
    ) throws -> Bridge {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var hours = QuietHours()
        (hours.from, hours.to, hours.zone) = (22 * 60, 7 * 60, try LocalZone(named: "Europe/Berlin"))
        var tools = RouteTools()
        tools.quietHours = hours
        let (log, contents) = try self.open()
        return Bridge(
            sources: [
                SourceParts(
                    name: "in", source: source, acknowledge: .logged, intake: IntakeSettings(bridge: "here"),
                    retry: RetrySettings(),
                    metrics: ComponentMetrics(component: "in", kind: "test", direction: "source", metrics: metrics),
                    logger: logger)
            ],
            sinks: [
                SinkParts(
                    name: "out", sink: sink, delivery: .onDisk,
                    metrics: ComponentMetrics(component: "out", kind: "test", direction: "sink", metrics: metrics), logger: logger
                )
            ],
            table: RouteTable(routes: [Route(name: "r", tools: tools, targets: [Route.Target(sink: 0)])]),
            durable: try DurableLog(store: log, contents: contents), clock: clock.clock, metrics: metrics, logger: logger)
    }

    /// Runs a bridge until the body returns.
    private func run(
        _ clock: SetClock, _ body: (ScriptedSource, RecordingSink, Bridge) async throws -> Void
    ) async throws {
        let (source, sink) = (ScriptedSource(), RecordingSink())
        let bridge = try self.bridge(clock, source, sink, Metrics())
        let stop = Signal()
        let isStopping = Mutex(false)
        async let left = bridge.run(drain: .seconds(10)) { try? await stop.wait { isStopping.withLock { $0 } } }
        try await eventually("the source runs") { source.outlet != nil }
        do { try await body(source, sink, bridge) } catch {
            isStopping.withLock { $0 = true }
            stop.notify()
            _ = await left
            throw error
        }
        isStopping.withLock { $0 = true }
        stop.notify()
        #expect(await left == 0)
    }

    @Test func `events that quiet hours hold are acknowledged once written, and pass after a restart`() async throws {
        let clock = SetClock("2026-01-15T23:00:00Z")
        try await self.run(clock) { source, sink, bridge in
            let receipt = source.send([ByteBuffer(string: "one"), ByteBuffer(string: "two")])
            try await bridge.sources[0].outlet.untilSafe(receipt.position)
            #expect(sink.count == 0)
        }
        try await self.run(clock) { source, sink, bridge in
            let receipt = source.send([ByteBuffer(string: "three")])
            try await bridge.sources[0].outlet.untilSafe(receipt.position)
            #expect(sink.count == 0)
            clock.set("2026-01-16T06:00:00Z")
            try await eventually("all have passed") { sink.count == 3 }
            #expect(sink.events.map(\.message) == ["one", "two", "three"])
        }
        try await self.run(clock) { source, sink, bridge in
            let receipt = source.send([ByteBuffer(string: "day")])
            try await bridge.sources[0].outlet.untilSafe(receipt.position)
            try await eventually("only the new one") { sink.count == 1 }
            #expect(sink.events.map(\.message) == ["day"])
        }
        let (log, contents) = try self.open()
        defer { log.close() }
        #expect(contents.flow.held.isEmpty)
    }
}
