package import Logging

/// The assembled sources, routes and sinks of a running program.
///
/// Made once from the plan; ``run(startWithin:drain:until:)`` is called once.
package final class Bridge: Sendable {
    /// The sources in the order of the file.
    package let sources: [RunningSource]
    /// The sinks in the order of the file.
    package let sinks: [RunningSink]
    private let log: DeliveryLog
    /// `nil` for a log in memory.
    private let writer: LogWriter?
    private let logger: Logger
    /// Passes on what the tools of routes keep; `nil` when no route has some.
    private let flowTimer: FlowTimer?

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
        let routes = table.routes.map(\.name)
        switches.count { route in
            metrics.counter(
                "streambridge_route_off_events_total",
                help: "Events that a route did not deliver because it was switched off.",
                labels: [("route", routes[route.rawValue])])
        }
        let ownEntities = sinks.compactMap { ($0.sink as? any AnnouncingSink)?.ownEntities }
        let contents: LogContents? = durable?.contents
        let loopDetector = LoopDetector()
        let flow = FlowMachine(
            routes: table.routes, sinks: sinks.map(\.name),
            events: FlowEvents(bridge: sources.first?.intake.bridge ?? "", limits: table.limits), stored: contents?.flow,
            now: clock.now())
        if let unreadable = flow?.unreadable, unreadable > 0 {
            logger.error("Held events cannot be read and stay in the log", metadata: ["count": "\(unreadable)"])
        }
        flow?.reportOrphans(to: logger)
        let log = DeliveryLog(
            sources: sources.map { ($0.name, $0.acknowledge) }, sinks: sinks.map { ($0.name, $0.delivery) }, unrouted: unrouted,
            routes: routes, limits: limits,
            metrics: DeliveryMetrics(sinks: sinks.map { ($0.metrics, $0.logger) }, metrics: metrics, logger: logger),
            loopDetector: loopDetector, contents: contents,
            flow: flow.map { ($0, FlowMetrics(routes: table.routes, metrics: metrics, logger: logger)) }, clock: clock,
            taps: taps
        )
        self.flowTimer = flow == nil ? nil : FlowTimer(log: log, clock: clock)
        let sinkNames = sinks.map(\.name)
        self.writer = durable.map { LogWriter($0, log: log, table: table, names: sinkNames, metrics: metrics, logger: logger) }
        self.log = log
        self.logger = logger
        self.sources = sources.enumerated().map { index, parts in
            let metrics = SourceMetrics(
                metrics: parts.metrics, logger: parts.logger, routes: routes, failing: table.failing(for: parts.name),
                sinks: sinkNames)
            let status = ComponentStatus(metrics: parts.metrics, redaction: parts.redaction)
            let outlet = SourceOutlet(
                log: log, source: SourceIndex(index), acknowledge: parts.acknowledge,
                intake: SourceIntake(
                    source: parts.name, settings: parts.intake, table: table, loopDetector: loopDetector, metrics: metrics,
                    repeatKeys: contents?.repeatKeys[parts.name] ?? [], switches: switches, ownEntities: ownEntities
                ),
                emitsGaps: parts.intake.emitsGaps, metrics: metrics, status: status,
                threads: table.evaluates(for: parts.name) || parts.intake.normalise.evaluates ? .file : nil,
                redaction: parts.redaction
            )
            return RunningSource(name: parts.name, outlet: outlet, status: status, probe: probe, parts: parts)
        }
        self.sinks = sinks.enumerated().map { index, parts in
            let status = ComponentStatus(metrics: parts.metrics, redaction: parts.redaction)
            let inlet = SinkInlet(
                log: log, sink: SinkIndex(index), status: status, templates: parts.sink.templates, redaction: parts.redaction)
            return RunningSink(parts: parts, inlet: inlet, status: status, probe: probe)
        }
    }

    /// Restores the histories of the sinks from a durable log; called once, before any subscriber can connect.
    ///
    /// - Throws: ``LogError``.
    package func restore() async throws {
        for sink in self.sinks { (sink.parts.sink as? any AnnouncingSink)?.restoreSwitches() }
        guard let writer else { return }
        await writer.keepCursors()
        for sink in self.sinks {
            guard let restorable = sink.parts.sink as? any RestorableSink else { continue }
            await restorable.restore(try await writer.history(of: sink.name, atMost: restorable.historyLimit))
        }
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
            for sink in self.sinks { group.addTask { await sink.run() } }
            if self.writer == nil { await self.waitForSinks(atMost: startWithin) }
            if let timer = self.flowTimer {
                // Ends with the sources: a log on disk keeps what is not due, and one in memory passes it on now.
                try? await race({ try await timer.run() }, { await self.runSources(until: stop) })
            } else {
                await self.runSources(until: stop)
            }
            self.log.finish()
            // The backlog is on disk, so disconnected sinks are not waited for.
            if self.writer != nil { for sink in self.sinks { sink.leaveWhenDisconnected() } }
        }
    }

    private func runSources(until stop: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for source in self.sources { group.addTask { await source.run() } }
            await stop()
            self.logger.notice("Stopping", metadata: ["pending": "\(self.pending)"])
            for source in self.sources { source.outlet.stop() }
        }
    }

    /// The names of the routes, in the order of the file.
    package var routeNames: [String] { self.log.routes.elements }

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
