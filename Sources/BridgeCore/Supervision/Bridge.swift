package import Logging

/// Sources, routes and sinks put together: what runs.
///
/// Made once from the prepared file; ``run(until:drain:)`` is called once.
package final class Bridge: Sendable {
    package let sources: [RunningSource]
    package let sinks: [RunningSink]
    private let log: DeliveryLog
    private let logger: Logger

    /// - Parameters:
    ///   - sources: in the order of the file.
    ///   - sinks: in the order of the file; routes name them by their places.
    ///   - unrouted: the sink that takes what no route takes; `nil` drops and counts it.
    package init(
        sources: [SourceParts], sinks: [SinkParts], table: RouteTable, unrouted: Int? = nil, limits: LogLimits = LogLimits(),
        metrics: Metrics, logger: Logger
    ) {
        let routes = table.routes.map(\.name)
        let log = DeliveryLog(
            sources: sources.map { ($0.name, $0.acknowledge) }, sinks: sinks.map { ($0.name, $0.delivery) }, unrouted: unrouted,
            routes: routes, limits: limits,
            tallies: DeliveryTallies(sinks: sinks.map { ($0.metrics, $0.logger) }, metrics: metrics, logger: logger)
        )
        let loopGuard = LoopGuard()
        self.log = log
        self.logger = logger
        self.sources = sources.enumerated().map { index, parts in
            let tallies = SourceTallies(metrics: parts.metrics, logger: parts.logger, routes: routes)
            let status = ComponentStatus(metrics: parts.metrics)
            let outlet = SourceOutlet(
                log: log, source: index, acknowledge: parts.acknowledge,
                intake: SourceIntake(
                    source: parts.name, settings: parts.intake, table: table, loopGuard: loopGuard, tallies: tallies
                ),
                emitsGaps: parts.intake.emitsGaps, tallies: tallies, status: status
            )
            return RunningSource(name: parts.name, outlet: outlet, status: status, parts: parts)
        }
        self.sinks = sinks.enumerated().map { index, parts in
            let status = ComponentStatus(metrics: parts.metrics)
            let inlet = SinkInlet(log: log, sink: index, status: status)
            return RunningSink(name: parts.name, inlet: inlet, status: status, parts: parts)
        }
    }

    /// Runs everything: sinks first, then sources; at the end sources first, then what they sent is delivered, then sinks.
    ///
    /// - Parameters:
    ///   - startWithin: how long the sources wait for the sinks' first attempts.
    ///   - drain: how long the end may take from the moment `stop` returns.
    ///   - stop: returns when the bridge shall end.
    /// - Returns: how many deliveries were left when the time was over; 0 when everything was delivered.
    package func run(startWithin: Duration = .seconds(5), drain: Duration, until stop: @escaping @Sendable () async -> Void) async
        -> Int
    {
        // Awaited below, in the order that loses nothing; a task group could not end its children one kind after the other.
        let sinkTasks = self.sinks.map { sink in Task { @concurrent in await sink.run() } }
        await self.waitForSinks(atMost: startWithin)
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
        for task in sinkTasks { await task.value }
        deadline.cancel()
        return self.pending
    }

    /// How many deliveries are not confirmed.
    package var pending: Int { self.sinks.reduce(0) { $0 + $1.inlet.pending } }

    private func waitForSinks(atMost limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, !self.sinks.allSatisfy(\.status.hasStarted), !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(2))  // cancellation ends the loop
        }
    }
}

/// What a source is made of.
package struct SourceParts: Sendable {
    package let name: String
    package let source: any Source
    package let acknowledge: AcknowledgePolicy
    package let intake: IntakeSettings
    package let retry: RetrySettings
    package let metrics: ComponentMetrics
    package let logger: Logger

    package init(
        name: String, source: any Source, acknowledge: AcknowledgePolicy, intake: IntakeSettings, retry: RetrySettings,
        metrics: ComponentMetrics, logger: Logger
    ) {
        self.name = name
        self.source = source
        self.acknowledge = acknowledge
        self.intake = intake
        self.retry = retry
        self.metrics = metrics
        self.logger = logger
    }
}

/// What a sink is made of.
package struct SinkParts: Sendable {
    package let name: String
    package let sink: any Sink
    package let delivery: DeliverySettings
    package let metrics: ComponentMetrics
    package let logger: Logger

    package init(name: String, sink: any Sink, delivery: DeliverySettings, metrics: ComponentMetrics, logger: Logger) {
        self.name = name
        self.sink = sink
        self.delivery = delivery
        self.metrics = metrics
        self.logger = logger
    }
}

/// A source with its outlet.
package struct RunningSource: Sendable {
    package let name: String
    package let outlet: SourceOutlet
    package let status: ComponentStatus
    let parts: SourceParts

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.retry,
            errors: ErrorCounters(metrics: self.parts.metrics)
        )
        await supervisor.run(self.parts.source, self.outlet)
    }
}

/// A sink with its inlet.
package struct RunningSink: Sendable {
    package let name: String
    package let inlet: SinkInlet
    package let status: ComponentStatus
    let parts: SinkParts

    /// Brings the gauges of its queue up to date; called when somebody reads them.
    package func observeQueue() {
        let (pending, bytes) = self.inlet.backlog
        self.parts.metrics.gauge("queue_events", help: "Events that the sink has not confirmed.").set(pending)
        self.parts.metrics.gauge("queue_bytes", help: "What those events weigh.").set(bytes)
    }

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.delivery.retry,
            errors: ErrorCounters(metrics: self.parts.metrics)
        )
        await supervisor.run(self.parts.sink, self.inlet)
    }
}
