package import Logging
import Synchronization

/// The assembled sources, routes and sinks of a running program.
///
/// ``run(startWithin:drain:until:)`` is called once; ``reload(_:)`` while it runs.
package final class Bridge: Sendable {
    /// What a reload changes.
    struct State {
        /// In the order of the file.
        var sources: [RunningSource]
        /// In the order of the file.
        var sinks: [RunningSink]
        var rules: RoutingRules
        /// By index; `nil` for one that no sink has.
        var sinkNames: [String?]
        /// By index; `nil` for one that no source has.
        var sourceNames: [String?]
    }

    /// The sources in the order of the file.
    package var sources: [RunningSource] { self.state.withLock { $0.sources } }
    /// The sinks in the order of the file.
    package var sinks: [RunningSink] { self.state.withLock { $0.sinks } }
    let state: Mutex<State>
    let log: DeliveryLog
    /// `nil` for a log in memory.
    let writer: LogWriter?
    let loopDetector: LoopDetector
    /// This bridge's name; see ``Provenance/origin``.
    let name: String
    let metrics: Metrics
    let logger: Logger
    private let probe: PortProbe?
    /// Passes on what the tools of routes keep.
    private let flowTimer: FlowTimer
    let sinkTasks = ComponentTasks()
    let sourceTasks = ComponentTasks()
    /// See ``hurryReloads()``.
    let hurry = Eventual<Void>()

    /// Assembles a bridge; nothing runs yet.
    ///
    /// - Parameters:
    ///   - sources: in the order of the file.
    ///   - sinks: in the order of the file; routes refer to them by index.
    ///   - unrouted: the sink for events that no route matches; `nil` drops and counts them.
    ///   - switches: which routes are switched off.
    ///   - durable: the log on disk; `nil` keeps everything in memory.
    ///   - clock: the time of day for the tools of routes.
    ///   - taps: where operators watch.
    ///   - probe: tests whether an unreachable peer is reachable again; `nil` relies on the back-off alone.
    package init(
        sources: [SourceParts], sinks: [SinkParts], table: RouteTable, unrouted: SinkIndex? = nil,
        limits: LogLimits = LogLimits(), switches: RouteSwitches = RouteSwitches(),
        durable: DurableLog? = nil, clock: WallClock = .system, taps: EventTaps = EventTaps(), probe: PortProbe? = nil,
        metrics: Metrics, logger: Logger
    ) {
        let sinkNames = sinks.map(\.name)
        // Its plans then name the sinks.
        let table =
            table.names.sinks == sinkNames
            ? table : RouteTable(routes: table.routes, sinks: sinkNames, limits: table.limits)
        Self.count(switches, table.names, metrics)
        let ownEntities = sinks.compactMap { ($0.sink as? any AnnouncingSink)?.ownEntities }
        let rules = RoutingRules(table: table, switches: switches, ownEntities: ownEntities)
        let contents: LogContents? = durable?.contents
        let loopDetector = LoopDetector()
        let name = sources.first?.intake.bridge ?? ""
        let flow = FlowMachine(
            routes: table.routes, sinks: sinkNames, events: FlowEvents(bridge: name, limits: table.limits),
            stored: contents?.flow, now: clock.now())
        if let unreadable = flow?.unreadable, unreadable > 0 {
            logger.error("Held events cannot be read and stay in the log", metadata: ["count": "\(unreadable)"])
        }
        flow?.reportOrphans(to: logger)
        let log = DeliveryLog(
            sources: sources.map { ($0.name, $0.acknowledge) }, sinks: sinks.map { ($0.name, $0.delivery) }, unrouted: unrouted,
            names: table.names, limits: limits,
            metrics: DeliveryMetrics(sinks: sinks.map { ($0.metrics, $0.logger) }, metrics: metrics, logger: logger),
            loopDetector: loopDetector, contents: contents,
            flow: flow.map { ($0, FlowMetrics(routes: table.routes, metrics: metrics, logger: logger)) }, clock: clock,
            taps: taps
        )
        self.flowTimer = FlowTimer(log: log, clock: clock)
        self.writer = durable.map { LogWriter($0, log: log, table: table, metrics: metrics, logger: logger) }
        self.log = log
        self.loopDetector = loopDetector
        self.name = name
        self.metrics = metrics
        self.logger = logger
        self.probe = probe
        let runningSources = sources.enumerated().map { index, parts in
            let known = RecentSet(capacity: SourceOutlet.repeatMemory, contents?.repeatKeys[parts.name] ?? [])
            return Self.assemble(parts, SourceIndex(index), log, rules, loopDetector, known, probe)
        }
        let runningSinks = sinks.enumerated().map { Self.assemble($1, SinkIndex($0), log, probe) }
        self.state = Mutex(
            State(
                sources: runningSources, sinks: runningSinks, rules: rules, sinkNames: sinkNames,
                sourceNames: sources.map(\.name)))
    }

    /// Counts what switched-off routes do not deliver.
    static func count(_ switches: RouteSwitches, _ names: RouteNames, _ metrics: Metrics) {
        switches.count { route in
            metrics.counter(
                "streambridge_route_off_events_total",
                help: "Events that a route did not deliver because it was switched off.", labels: [("route", names[route])])
        }
    }

    private static func assemble(
        _ parts: SourceParts, _ index: SourceIndex, _ log: DeliveryLog, _ rules: RoutingRules, _ loopDetector: LoopDetector,
        _ repeatKeys: RecentSet, _ probe: PortProbe?
    ) -> RunningSource {
        let (name, table) = (parts.name, rules.table)
        let metrics = SourceMetrics(
            metrics: parts.metrics, logger: parts.logger, names: table.names, failing: table.failing(for: name))
        let status = ComponentStatus(metrics: parts.metrics, redaction: parts.redaction)
        let outlet = SourceOutlet(
            log: log, source: index, acknowledge: parts.acknowledge,
            intake: SourceIntake(
                source: name, settings: parts.intake, rules: rules, loopDetector: loopDetector, metrics: metrics,
                repeatKeys: repeatKeys
            ),
            emitsGaps: parts.intake.emitsGaps, metrics: metrics, status: status,
            threads: table.evaluates(for: name) || parts.intake.normalise.evaluates ? .file : nil,
            redaction: parts.redaction
        )
        return RunningSource(
            name: name, outlet: outlet, status: status, index: index, probe: probe, parts: parts,
            leave: ComponentLeave(status, settlesUnconnected: true))
    }

    private static func assemble(_ parts: SinkParts, _ index: SinkIndex, _ log: DeliveryLog, _ probe: PortProbe?) -> RunningSink {
        let status = ComponentStatus(metrics: parts.metrics, redaction: parts.redaction)
        let inlet = SinkInlet(
            log: log, sink: index, status: status, templates: parts.sink.templates, redaction: parts.redaction)
        return RunningSink(parts: parts, index: index, inlet: inlet, status: status, probe: probe)
    }

    /// Makes a source for an index of the current configuration.
    func assemble(_ parts: SourceParts, _ index: SourceIndex, _ rules: RoutingRules, repeatKeys: RecentSet) -> RunningSource {
        Self.assemble(parts, index, self.log, rules, self.loopDetector, repeatKeys, self.probe)
    }

    /// Makes a sink for an index of the current configuration.
    func assemble(_ parts: SinkParts, _ index: SinkIndex) -> RunningSink {
        Self.assemble(parts, index, self.log, self.probe)
    }

    /// Restores the histories of the sinks from a durable log; called once, before any subscriber can connect.
    ///
    /// - Throws: ``LogError``.
    package func restore() async throws {
        for sink in self.sinks { (sink.parts.sink as? any AnnouncingSink)?.restoreSwitches() }
        await self.writer?.keepCursors()
        for sink in self.sinks { try await self.restore(sink.parts) }
    }

    /// Restores the history of one sink from a durable log.
    ///
    /// - Throws: ``LogError``.
    func restore(_ parts: SinkParts) async throws {
        guard let writer, let restorable = parts.sink as? any RestorableSink else { return }
        await restorable.restore(try writer.history(of: parts.name, atMost: restorable.historyLimit))
    }

    /// Starts the sinks, then the sources; at the end stops the sources, delivers their events, and stops the sinks.
    ///
    /// - Parameters:
    ///   - startWithin: the limit on how long the sources wait for the first attempts of the sinks; not used with a
    ///     durable log.
    ///   - drain: the limit on the shutdown after `stop` returns.
    ///   - stop: returns when the bridge should stop.
    /// - Returns: the number of unconfirmed deliveries at the end, which a durable log keeps; 0 when everything was
    ///   delivered.
    package func run(startWithin: Duration = .seconds(1), drain: Duration, until stop: @escaping @Sendable () async -> Void) async
        -> Int
    {
        await withTaskGroup(of: Void.self) { group in
            if let writer = self.writer { group.addTask { await writer.run() } }
            let stopped = Eventual<Void>()
            // Whatever still runs at the end of `drain` is cancelled; the wait for that ends early when everything is delivered.
            try? await race(
                {
                    await self.runSinks(startWithin: startWithin) {
                        await stop()
                        stopped.finish()
                    }
                },
                {
                    try await stopped.value
                    try await Task.sleep(for: drain)
                }
            )
            guard let writer = self.writer else { return }
            for sink in self.sinks { await (sink.parts.sink as? any RestorableSink)?.finish() }
            writer.stop()
        }
        return self.pending
    }

    /// Runs the sinks around ``runSources(until:)``: they end once they have delivered what the sources have sent.
    private func runSinks(startWithin: Duration, until stop: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sinkTasks.run() }
            for sink in self.sinks { self.sinkTasks.start { await sink.run() } }
            if self.writer == nil { await self.waitForSinks(atMost: startWithin) }
            // Ends with the sources: a log on disk keeps what is not due, and one in memory passes it on now.
            try? await race({ try await self.flowTimer.run() }, { await self.runSources(until: stop) })
            self.sinkTasks.finish()
            self.log.finish()
            // The backlog is on disk, so disconnected sinks are not waited for.
            if self.writer != nil { for sink in self.sinks { sink.leaveWhenDisconnected() } }
        }
    }

    private func runSources(until stop: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sourceTasks.run() }
            for source in self.sources { self.sourceTasks.start { await source.run() } }
            await stop()
            self.sourceTasks.finish()
            self.logger.notice("Stopping", metadata: ["pending": "\(self.pending)"])
            for source in self.sources { source.outlet.stop() }
        }
    }

    /// The names of the routes, in the order of the file.
    package var routeNames: [String] { self.state.withLock { $0.rules.table.routes.map(\.name) } }

    /// The number of unconfirmed deliveries over all sinks.
    ///
    /// An event that is not in the log yet counts as one.
    package var pending: Int {
        self.sinks.reduce(0) { $0 + $1.inlet.pending } + self.sources.reduce(0) { $0 + $1.outlet.unappended }
    }

    /// Whether the durable log can be written and read; `nil` for a log in memory.
    package var logHealth: LogHealth? { self.writer?.health }

    /// The number of events that the durable log has not written; 0 for a log in memory.
    package var unwritten: Int { self.log.unwritten }

    /// Waits for the results of the sinks' first attempts.
    private func waitForSinks(atMost limit: Duration) async {
        // Ends with a cancellation too, which the sources handle themselves.
        try? await race(
            { for sink in self.sinks { try await sink.status.signal.wait { sink.status.hasStarted } } },
            { try await Task.sleep(for: limit) }
        )
    }
}
