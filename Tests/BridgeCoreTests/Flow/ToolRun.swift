import Logging
import NIOCore
import Synchronization

@testable import BridgeCore

/// A route with tools from the source `in` to the sink `out`, on a clock that a test sets.
final class ToolRun {
    /// The time at the beginning: 2026-01-15T10:00:00Z.
    static let start = Timestamp(milliseconds: 1_768_471_200_000)

    private let routes: [Route]
    private let table: RouteTable
    private let policy: AcknowledgePolicy
    private let settings: DeliverySettings
    private let time: SharedTime
    private let reader = EventReader()
    private var count = 0
    private(set) var metrics = Metrics()
    private(set) var log: DeliveryLog
    /// What the log on disk has; `nil` for a log in memory.
    private(set) var stored: StoredFlow?
    /// The repeat keys that it has been given.
    private(set) var repeatKeys: [UInt64] = []

    private final class SharedTime: Sendable {
        let value: Mutex<Timestamp>

        init(_ time: Timestamp) { self.value = Mutex(time) }

        var now: Timestamp { self.value.withLock { $0 } }
    }

    /// Decodes the tools of a route from JSON.
    struct Tools: Decodable {
        var tools = RouteTools()

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: SettingKey.self)
            func tool<Tool: SettingGroup>(_ name: String) throws -> Tool? {
                guard container.contains(SettingKey(name)) else { return nil }
                return try Tool(settings: container.superDecoder(forKey: SettingKey(name)))
            }
            self.tools.changed = try tool("changed")
            self.tools.sample = try tool("sample")
            self.tools.throttle = try tool("throttle")
            self.tools.quietHours = try tool("quiet_hours")
            self.tools.digest = try tool("digest")
            self.tools.expect = try tool("expect")
        }
    }

    /// - Parameter tools: the keys of the route as JSON.
    convenience init(
        _ tools: String, at start: Timestamp = ToolRun.start, isOnDisk: Bool = false, policy: AcknowledgePolicy = .delivered,
        settings: DeliverySettings = DeliverySettings()
    ) throws {
        let tools = try decode(Tools.self, tools).tools
        self.init(
            [Route(name: "r", tools: tools, targets: [Route.Target(sink: 0)])], at: start, stored: isOnDisk ? StoredFlow() : nil,
            policy: policy, settings: settings)
    }

    init(
        _ routes: [Route], at start: Timestamp, stored: StoredFlow?, policy: AcknowledgePolicy, settings: DeliverySettings
    ) {
        self.routes = routes
        self.table = RouteTable(routes: routes)
        self.policy = policy
        self.settings = settings
        self.stored = stored
        self.time = SharedTime(start)
        let time = self.time
        self.log = Self.log(routes, stored, policy, settings, self.metrics, time)
    }

    private static func log(
        _ routes: [Route], _ stored: StoredFlow?, _ policy: AcknowledgePolicy, _ settings: DeliverySettings, _ metrics: Metrics,
        _ time: SharedTime
    ) -> DeliveryLog {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let names = ["out", "other"]
        let flow = FlowMachine(
            routes: routes, sinks: names, events: FlowEvents(bridge: "here", limits: EventLimits()), stored: stored,
            now: time.now)
        return DeliveryLog(
            sources: [("in", policy)], sinks: names.map { ($0, settings) }, unrouted: nil,
            names: RouteNames(routes: routes, sinks: names), limits: LogLimits(),
            metrics: DeliveryMetrics(
                sinks: names.map {
                    (ComponentMetrics(component: $0, kind: "test", direction: "sink", metrics: metrics), logger)
                }, metrics: metrics, logger: logger),
            contents: stored == nil ? nil : LogContents(),
            flow: flow.map { ($0, FlowMetrics(routes: routes, metrics: metrics, logger: logger)) },
            clock: WallClock(now: { time.now }, wait: { _ in })
        )
    }

    /// Sends one event, without writing it.
    func send(
        _ message: String, title: String? = nil, priority: Int? = nil, payload: String? = nil, subject: String = "a",
        repeatKey: UInt64? = nil, at time: Timestamp? = nil
    ) {
        self.count += 1
        let event = sampleEvent(
            id: "e\(self.count)", title: title, message: message, priority: priority, tags: [], payload: payload, source: "in",
            subject: subject, raw: message, time: time)
        let routing = self.table.routing(of: event, reader: self.reader, now: self.time.now) { _, _ in }
        _ = self.log.append(
            [LogRecord(event: event, routing: routing, accepted: .now, repeatKey: repeatKey)], source: 0)
    }

    /// Advances the clock, and has done what is due as the timer does.
    func pass(_ duration: Duration) {
        self.set(Timestamp(milliseconds: self.time.now.milliseconds + duration.milliseconds))
    }

    /// Sets the clock, and has done what is due as the timer does.
    func set(_ time: Timestamp) {
        self.time.value.withLock { $0 = time }
        for _ in 0..<100 {
            guard let due = self.log.flowDue, due <= time else { return }
            self.log.apply(.runTools(time))
        }
    }

    /// Writes what is to be written, as the writer of a log on disk does.
    func commit() {
        let work = self.log.takeWork()
        for change in work.changes.flow {
            switch change {
            case .state(let place, let text):
                self.stored?.states.removeAll { $0.place == place }
                if let text { self.stored?.states.append(StoredFlowState(place: place, text: text)) }
            case .hold(let held):
                self.stored?.held.append(held)
                let last = self.stored?.lastID ?? 0
                self.stored?.lastID = max(last, held.id)
            case .release(let route, let id): self.stored?.held.removeAll { $0.route == route && $0.id == id }
            case .repeatKey(_, _, let key): self.repeatKeys.append(key)
            }
        }
        self.log.committed(work)
    }

    /// Ends without writing, and continues with what was written.
    ///
    /// - Parameter routes: those of the changed file.
    func restart(_ routes: [Route]? = nil) -> ToolRun {
        ToolRun(
            routes ?? self.routes, at: self.time.now, stored: self.stored, policy: self.policy, settings: self.settings)
    }

    /// Takes and confirms what the sink has.
    func take(sink: SinkIndex = 0) -> [Event] {
        if self.stored != nil { self.commit() }
        guard case .batch(let batch) = self.log.poll(sink: sink, atMost: .max) else { return [] }
        if let last = batch.last { self.log.confirm(sink: sink, through: last) }
        return batch.map(\.event)
    }

    /// Takes the messages of what the sink has.
    func messages() -> [String] { self.take().map(\.message) }

    var safe: UInt64 { self.log.parts.marks[0].safe.rawValue }

    /// How many events the route has dropped for a reason.
    func dropped(_ reason: String) -> Int {
        self.figure(#"streambridge_route_events_dropped_total{route="r",reason="\#(reason)"}"#)
    }

    /// The value of a line of the metrics; 0 without it.
    func figure(_ line: String) -> Int {
        let text = self.metrics.render().split(separator: "\n").first { $0.hasPrefix("\(line) ") }
        return text.flatMap { Int($0.dropFirst(line.utf8.count + 1)) } ?? 0
    }
}

extension Timestamp {
    /// A time as RFC 3339.
    static func at(_ text: String) -> Timestamp { Timestamp(rfc3339: text) ?? Timestamp(milliseconds: 0) }
}
