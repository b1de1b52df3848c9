import Synchronization

/// What sources append to and sinks read from: ``DeliveryMachine`` behind one lock, with the signals for waiting tasks.
///
/// Thread-safe. The lock is taken once per batch; waking and counting happen outside it. Outlets, inlets and the writer
/// are its interfaces.
final class DeliveryLog: Sendable {
    let machine: Mutex<DeliveryMachine>
    /// The watermark of each source, readable without the lock.
    let marks: ComponentTable<SourceIndex, SourceMark>
    /// By source: signals a changed watermark, or that the source must end.
    private let sourceSignals: ComponentTable<SourceIndex, Signal>
    /// By sink: signals that it may find more, or has ended.
    private let sinkSignals: ComponentTable<SinkIndex, Signal>
    /// The names of the routes, which deliveries carry.
    let routes: ComponentTable<RouteIndex, String>
    let metrics: DeliveryMetrics
    private let loopDetector: LoopDetector
    /// By sink: whether it has a dead-letter sink.
    private let hasDeadLetters: ComponentTable<SinkIndex, Bool>
    /// Whether dead letters are kept regardless of the sinks' settings.
    private let keepsAllDeadLetters: Bool
    /// Writes the log to the disk.
    let writer = Mutex<Writer?>(nil)
    /// Signals that the tools of routes may have something due earlier.
    let flowSignal = Signal()
    private let flowMetrics: FlowMetrics?
    /// Shows operators what passes.
    let taps: EventTaps
    /// The names of the sinks, for the taps.
    private let sinkNames: ComponentTable<SinkIndex, String>
    /// When sinks that run on an event loop pause.
    let pacings = LoopPacings()

    /// - Parameters:
    ///   - sources: the name of each source and how it acknowledges.
    ///   - sinks: the name and delivery settings of each sink; includes the dead-letter sinks they name.
    ///   - unrouted: the sink for events that no route matches.
    ///   - routes: the routes' names.
    ///   - limits: above them every source pauses.
    ///   - loopDetector: is notified of deliveries that a sink did not get.
    ///   - contents: what an earlier run left on disk; `nil` for an in-memory log.
    ///   - flow: the tools of the routes, and their metrics.
    ///   - clock: the time of day for the tools.
    ///   - taps: where operators watch.
    init(
        sources: [(name: String, acknowledge: AcknowledgePolicy)], sinks: [(name: String, settings: DeliverySettings)],
        unrouted: SinkIndex?, routes: [String], limits: LogLimits, metrics: DeliveryMetrics,
        loopDetector: LoopDetector = LoopDetector(), contents: LogContents? = nil,
        flow: (machine: FlowMachine, metrics: FlowMetrics)? = nil, clock: WallClock = .system, taps: EventTaps = EventTaps()
    ) {
        self.taps = taps
        self.sinkNames = ComponentTable(sinks.map(\.name))
        self.routes = ComponentTable(routes)
        self.metrics = metrics
        self.loopDetector = loopDetector
        let machine = DeliveryMachine(
            sources: sources, sinks: sinks, unrouted: unrouted, routes: routes, limits: limits, contents: contents,
            flow: flow?.machine, clock: clock.now)
        self.hasDeadLetters = ComponentTable(machine.sinks.elements.map { $0.deadLetterSink != nil })
        self.flowMetrics = flow?.metrics
        self.keepsAllDeadLetters = contents != nil || unrouted != nil
        self.marks = ComponentTable(machine.watermarks.elements.map { SourceMark($0) })
        self.sourceSignals = ComponentTable(sources.map { _ in Signal() })
        self.sinkSignals = ComponentTable(sinks.map { _ in Signal() })
        if let flow { flow.metrics.count(flow.machine.reports) }
        self.machine = Mutex(machine)
    }

    /// Applies a command, and performs its effects outside the lock.
    @discardableResult
    func apply(_ command: consuming DeliveryMachine.Command) -> DeliveryMachine.Effects {
        let command = command
        let effects = self.machine.withLock { machine in
            let effects = machine.apply(command)
            effects.changedSources.forEach { self.marks[$0].follow(machine.watermarks[$0]) }
            if case .appended(let source) = effects.outcome { self.marks[source].follow(machine.watermarks[source]) }
            return effects
        }
        if case .settled(let sink, let deliveries) = effects.outcome {
            self.metrics.confirmed(sink: sink, deliveries)
            if self.taps.isWatched { self.taps.confirmed(deliveries, by: self.sinkNames[sink]) }
        }
        for (sink, delivery) in effects.undelivered { self.loopDetector.forget(delivery, sink: sink) }
        self.metrics.count(effects)
        if !effects.tools.isEmpty { self.flowMetrics?.count(effects.tools) }
        if effects.hasEarlierTool { self.flowSignal.notify() }
        if effects.wakesWriter { self.wakeWriter() }
        effects.wokenSinks.forEach { self.sinkSignals[$0].notify() }
        effects.changedSources.forEach { self.sourceSignals[$0].notify(tellsObserver: $0 != effects.caller) }
        return effects
    }

    /// When the tools of routes have something due; `nil` when nothing is.
    var flowDue: Timestamp? { self.machine.withLock { $0.flow?.due } }

    // MARK: The sources' side

    /// Appends a batch of one source, in order.
    ///
    /// - Parameters:
    ///   - repeated: sinks that were given an event of the batch before, possibly by another source, and may not have
    ///     confirmed it.
    ///   - wakesWriter: false when the caller calls ``write(for:)``.
    func append(
        _ records: [LogRecord], repeated: [SinkIndex] = [], source: SourceIndex, wakesWriter: Bool = true
    ) -> SourceOutlet.Receipt {
        guard let receipt = self.apply(.append(records, repeated: repeated, source, wakesWriter: wakesWriter)).receipt else {
            preconditionFailure("an append always returns a receipt")
        }
        return receipt
    }

    /// Keeps what a source abandons as a dead letter, at its own position, which becomes safe once it is written.
    ///
    /// - Returns: `nil` when no log on disk keeps it.
    func keep(
        _ event: Event, repeatKey: UInt64?, reason: String, attempts: Int, source: SourceIndex
    ) -> SourceOutlet.Receipt? {
        self.apply(.keep(event, repeatKey: repeatKey, reason: SafeText.sentence(reason), attempts: attempts, source)).receipt
    }

    /// Whether an event that a failed route loses for these sinks is kept.
    func keepsDeadLetters(of sinks: [SinkIndex]) -> Bool {
        self.keepsAllDeadLetters || sinks.contains { self.hasDeadLetters[$0] }
    }

    func observe(source: SourceIndex, _ notify: (@Sendable () -> Void)?) {
        self.sourceSignals[source].observe(notify)
    }

    /// Waits until a condition on a source's watermark holds.
    ///
    /// - Throws: `CancellationError`.
    func wait(source: SourceIndex, until condition: (SourceMark) -> Bool) async throws {
        let (signal, mark) = (self.sourceSignals[source], self.marks[source])
        try await signal.wait { condition(mark) }
    }

    /// Asks a source to end.
    func stop(source: SourceIndex) {
        self.apply(.stop(source))
    }

    // MARK: The sinks' side

    func poll(sink: SinkIndex, atMost limit: Int) -> SinkInlet.Poll {
        guard case .poll(let found) = self.apply(.poll(sink, atMost: limit)).outcome else { return .empty }
        return found
    }

    /// Waits until ``poll(sink:atMost:)`` finds something or has ended.
    ///
    /// - Throws: `CancellationError`.
    func next(sink: SinkIndex, atMost limit: Int) async throws -> SinkInlet.Poll {
        let signal = self.sinkSignals[sink]
        return try await signal.wait { self.poll(sink: sink, atMost: limit).unlessEmpty }
    }

    func observe(sink: SinkIndex, _ notify: (@Sendable () -> Void)?) {
        self.sinkSignals[sink].observe(notify)
    }

    /// See ``SinkInlet/confirm(through:)``.
    func confirm(sink: SinkIndex, through delivery: Delivery) {
        self.apply(.confirmThrough(sink, ticket: delivery.ticket))
    }

    /// See ``SinkInlet/confirm(_:)``.
    func confirm(sink: SinkIndex, _ delivery: Delivery) {
        self.apply(.confirm(sink, delivery))
    }

    /// See ``SinkInlet/refuse(_:_:)``.
    func refuse(sink: SinkIndex, _ delivery: Delivery, reason: String) {
        self.apply(.refuse(sink, delivery, reason: SafeText.sentence(reason)))
    }

    /// See ``SinkInlet/postpone(_:_:)``.
    func postpone(sink: SinkIndex, _ delivery: Delivery, reason: String) {
        self.apply(.postpone(sink, delivery, reason: SafeText.sentence(reason)))
    }

    /// Offers what a sink had in flight again, after its `run` has ended.
    func reclaim(sink: SinkIndex) {
        self.apply(.reclaim(sink))
    }

    /// Records the sequence numbers under which a sink has published, and how its snapshot has changed.
    func number(sink: SinkIndex, _ deliveries: ArraySlice<Delivery>, from sequence: UInt64, snapshot: SnapshotChanges) {
        self.apply(.number(sink, deliveries, from: sequence, snapshot))
    }

    /// Ends every inlet once it is empty: no source will send again.
    func finish() {
        self.apply(.finish)
    }

    /// The number of unconfirmed deliveries of a sink, and their weight in bytes.
    func backlog(of sink: SinkIndex) -> (events: Int, bytes: Int) {
        self.machine.withLock { ($0.sinks[sink].cursor.pending, $0.sinks[sink].cursor.weight) }
    }

    /// Whether nothing is pending for a sink and nothing can come.
    func hasEnded(sink: SinkIndex) -> Bool {
        self.machine.withLock { $0.hasEnded(sink) && $0.sinks[sink].cursor.pending == 0 }
    }
}
