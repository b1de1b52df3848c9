package import Logging

/// The assembled sources, routes and sinks of a running program.
///
/// Made once from the plan; ``run(startWithin:drain:until:)`` is called once.
package final class Bridge: Sendable {
    /// The sources in the order of the file.
    package let sources: [RunningSource]
    /// The sinks in the order of the file.
    package let sinks: [RunningSink]
    /// Whether the durable log can be written and read; `nil` for a log in memory.
    package let logHealth: LogHealth?
    private let log: DeliveryLog
    private let writing: LogWriting?
    private let logger: Logger

    /// Assembles a bridge; nothing runs yet.
    ///
    /// - Parameters:
    ///   - sources: in the order of the file.
    ///   - sinks: in the order of the file; routes refer to them by index.
    ///   - unrouted: the sink of events that no route takes; `nil` drops and counts them.
    ///   - durable: the log on disk; `nil` keeps everything in memory.
    ///   - probe: tests whether an unreachable peer is reachable again; `nil` relies on the back-off alone.
    package init(
        sources: [SourceParts], sinks: [SinkParts], table: RouteTable, unrouted: SinkIndex? = nil,
        limits: LogLimits = LogLimits(),
        durable: DurableLog? = nil, probe: PortProbe? = nil, metrics: Metrics, logger: Logger
    ) {
        let routes = table.routes.map(\.name)
        let contents: LogContents? = durable?.contents
        let loopGuard = LoopGuard()
        let log = DeliveryLog(
            sources: sources.map { ($0.name, $0.acknowledge) }, sinks: sinks.map { ($0.name, $0.delivery) }, unrouted: unrouted,
            routes: routes, limits: limits,
            tallies: DeliveryTallies(sinks: sinks.map { ($0.metrics, $0.logger) }, metrics: metrics, logger: logger),
            loopGuard: loopGuard, contents: contents
        )
        if let durable {
            let writing = LogWriting(
                durable, log: log, table: table, sinks: sinks.map(\.name), metrics: metrics, logger: logger
            )
            self.writing = writing
            self.logHealth = writing.health
        } else {
            self.writing = nil
            self.logHealth = nil
        }
        self.log = log
        self.logger = logger
        let sinkNames = sinks.map(\.name)
        self.sources = sources.enumerated().map { index, parts in
            let tallies = SourceTallies(
                metrics: parts.metrics, logger: parts.logger, routes: routes, failing: table.failing(for: parts.name),
                sinks: sinkNames)
            let status = ComponentStatus(metrics: parts.metrics)
            let outlet = SourceOutlet(
                log: log, source: SourceIndex(index), acknowledge: parts.acknowledge,
                intake: SourceIntake(
                    source: parts.name, settings: parts.intake, table: table, loopGuard: loopGuard, tallies: tallies,
                    repeatKeys: contents?.repeatKeys[parts.name] ?? []
                ),
                emitsGaps: parts.intake.emitsGaps, tallies: tallies, status: status,
                threads: table.evaluates(for: parts.name) || parts.intake.normalise.evaluates ? .file : nil
            )
            return RunningSource(name: parts.name, outlet: outlet, status: status, probe: probe, parts: parts)
        }
        self.sinks = sinks.enumerated().map { index, parts in
            let status = ComponentStatus(metrics: parts.metrics)
            let inlet = SinkInlet(
                log: log, sink: SinkIndex(index), status: status, templates: parts.sink.templates)
            return RunningSink(name: parts.name, inlet: inlet, status: status, probe: probe, parts: parts)
        }
    }

    /// Restores the histories of the sinks from a durable log; called once, before any subscriber can connect.
    ///
    /// - Throws: ``LogError``.
    package func restore() async throws {
        guard let writing else { return }
        await writing.writer.keepCursors()
        for sink in self.sinks {
            guard let restorable = sink.parts.sink as? any RestorableSink else { continue }
            await restorable.restore(try await writing.writer.history(of: sink.name, atMost: restorable.historyLimit))
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
        // Awaited below in the order that loses nothing; a task group could not stop its children kind by kind.
        let writerTask = self.writing?.start()
        let sinkTasks = self.sinks.map { sink in Task { @concurrent in await sink.run() } }
        if self.writing == nil { await self.waitForSinks(atMost: startWithin) }
        let sourceTasks = self.sources.map { source in Task { @concurrent in await source.run() } }
        await stop()

        self.logger.notice("Stopping", metadata: ["pending": "\(self.pending)"])
        let deadline = Task {
            try? await Task.sleep(for: drain)  // ends early when everything is delivered
            for task in sourceTasks + sinkTasks { task.cancel() }
        }
        for source in self.sources { source.outlet.stop() }
        for task in sourceTasks { await task.value }
        self.log.finish()
        let leaving = Task {
            // The backlog is on disk, so sinks whose peers are away, or go away now, are cancelled.
            while self.writing != nil, !Task.isCancelled {
                for (sink, task) in zip(self.sinks, sinkTasks) where !sink.status.isConnected { task.cancel() }
                try? await Task.sleep(for: .milliseconds(50))  // cancellation ends the loop
            }
        }
        for task in sinkTasks { await task.value }
        leaving.cancel()
        deadline.cancel()
        if let writing, let writerTask {
            for sink in self.sinks { await (sink.parts.sink as? any RestorableSink)?.finish() }
            await writing.stop(writerTask)
        }
        return self.pending
    }

    /// The number of unconfirmed deliveries over all sinks.
    ///
    /// An event that is not in the log yet counts as one.
    package var pending: Int {
        self.sinks.reduce(0) { $0 + $1.inlet.pending } + self.sources.reduce(0) { $0 + $1.outlet.unappended }
    }

    /// The number of events that the durable log has not written; 0 for a log in memory.
    package var unwritten: Int { self.log.unwritten }

    private func waitForSinks(atMost limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, !self.sinks.allSatisfy(\.status.hasStarted), !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(2))  // cancellation ends the loop
        }
    }
}
