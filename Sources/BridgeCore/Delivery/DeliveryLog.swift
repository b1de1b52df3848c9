import Logging
import Synchronization

/// What sources append to and sinks read from: ``DeliveryMachine`` behind one lock, with the signals for waiting tasks.
///
/// Thread-safe. The lock is taken once per batch; waking and counting happen outside it. Outlets, inlets and the writer
/// are its interfaces.
final class DeliveryLog: Sendable {
    let state: Mutex<State>
    private let loopDetector: LoopDetector
    /// Writes the log to the disk.
    let writer = Mutex<Writer?>(nil)
    /// Signals that the tools of routes may have something due earlier.
    let flowSignal = Signal()
    /// Shows operators what passes.
    let taps: EventTaps
    /// When sinks that run on an event loop pause.
    let pacings = LoopPacings()

    /// What the lock guards.
    struct State {
        var machine: DeliveryMachine
        var parts: Parts
    }

    /// What belongs to the indices of a configuration; immutable, so that it can be used outside the lock.
    final class Parts: Sendable {
        /// The watermark of each source, readable without the lock.
        let marks: ComponentTable<SourceIndex, SourceMark>
        /// By source: signals a changed watermark, or that the source must end.
        let sourceSignals: ComponentTable<SourceIndex, Signal>
        /// By sink: signals that it may find more, or has ended.
        let sinkSignals: ComponentTable<SinkIndex, Signal>
        let metrics: DeliveryMetrics
        let flowMetrics: FlowMetrics?
        /// The names of the sinks, for the taps.
        let sinkNames: ComponentTable<SinkIndex, String>
        /// By sink: whether it has a dead-letter sink.
        let hasDeadLetters: ComponentTable<SinkIndex, Bool>
        /// Whether dead letters are kept regardless of the sinks' settings.
        let keepsAllDeadLetters: Bool

        /// - Parameter old: the parts of the previous configuration, which what is kept goes on with.
        init(
            _ machine: DeliveryMachine, metrics: DeliveryMetrics, flowMetrics: FlowMetrics?, following old: Parts? = nil,
            newSources: Set<SourceIndex> = []
        ) {
            self.metrics = metrics
            self.flowMetrics = flowMetrics
            self.sinkNames = ComponentTable(machine.sinks.elements.map(\.name))
            func known<Index, Element>(_ table: ComponentTable<Index, Element>?, _ index: Index) -> Element? {
                table.flatMap { $0.contains(index) ? $0[index] : nil }
            }
            self.marks = ComponentTable(
                machine.watermarks.indices.map { source in
                    let mark = newSources.contains(source) ? nil : known(old?.marks, source)
                    return mark ?? SourceMark(machine.watermarks[source])
                })
            self.sourceSignals = ComponentTable(
                machine.watermarks.indices.map { source in
                    (newSources.contains(source) ? nil : known(old?.sourceSignals, source)) ?? Signal()
                })
            self.sinkSignals = ComponentTable(machine.sinks.indices.map { known(old?.sinkSignals, $0) ?? Signal() })
            self.hasDeadLetters = ComponentTable(machine.sinks.elements.map { $0.deadLetterSink != nil })
            self.keepsAllDeadLetters = machine.disk != nil || machine.unrouted != nil
        }
    }

    /// - Parameters:
    ///   - sources: the name of each source and how it acknowledges.
    ///   - sinks: the name and delivery settings of each sink; includes the dead-letter sinks they name.
    ///   - unrouted: the sink for events that no route matches.
    ///   - names: those of the routes and sinks.
    ///   - limits: above them every source pauses.
    ///   - loopDetector: is notified of deliveries that a sink did not get.
    ///   - contents: what an earlier run left on disk; `nil` for an in-memory log.
    ///   - flow: the tools of the routes, and their metrics.
    ///   - clock: the time of day for the tools.
    ///   - taps: where operators watch.
    init(
        sources: [(name: String, acknowledge: AcknowledgePolicy)], sinks: [(name: String, settings: DeliverySettings)],
        unrouted: SinkIndex?, names: RouteNames, limits: LogLimits, metrics: DeliveryMetrics,
        loopDetector: LoopDetector = LoopDetector(), contents: LogContents? = nil,
        flow: (machine: FlowMachine, metrics: FlowMetrics)? = nil, clock: WallClock = .system, taps: EventTaps = EventTaps()
    ) {
        self.taps = taps
        self.loopDetector = loopDetector
        let machine = DeliveryMachine(
            sources: sources, sinks: sinks, unrouted: unrouted, names: names, limits: limits, contents: contents,
            flow: flow?.machine, clock: clock.now)
        if let flow { flow.metrics.count(flow.machine.reports) }
        self.state = Mutex(State(machine: machine, parts: Parts(machine, metrics: metrics, flowMetrics: flow?.metrics)))
    }

    /// The parts of the current configuration.
    var parts: Parts { self.state.withLock { $0.parts } }

    /// Applies a command, and performs its effects outside the lock.
    @discardableResult
    func apply(_ command: consuming DeliveryMachine.Command) -> DeliveryMachine.Effects {
        let command = command
        let (effects, parts) = self.state.withLock { state in
            let effects = state.machine.apply(command)
            let parts = state.parts
            effects.changedSources.forEach { parts.marks[$0].follow(state.machine.watermarks[$0]) }
            if case .appended(let source) = effects.outcome { parts.marks[source].follow(state.machine.watermarks[source]) }
            return (effects, parts)
        }
        self.perform(effects, parts)
        return effects
    }

    private func perform(_ effects: DeliveryMachine.Effects, _ parts: Parts) {
        if case .settled(let sink, let deliveries) = effects.outcome {
            parts.metrics.confirmed(sink: sink, deliveries)
            if self.taps.isWatched { self.taps.confirmed(deliveries, by: parts.sinkNames[sink]) }
        }
        for (sink, delivery) in effects.undelivered { self.loopDetector.forget(delivery, sink: sink) }
        parts.metrics.count(effects)
        if !effects.tools.isEmpty { parts.flowMetrics?.count(effects.tools) }
        if effects.hasEarlierTool { self.flowSignal.notify() }
        if effects.wakesWriter { self.wakeWriter() }
        effects.wokenSinks.forEach { parts.sinkSignals[$0].notify() }
        effects.changedSources.forEach { parts.sourceSignals[$0].notify(tellsObserver: $0 != effects.caller) }
    }

    // MARK: A reload

    /// Continues with another configuration.
    ///
    /// - Parameters:
    ///   - layout: the configuration.
    ///   - sinks: by index: the metrics of a sink that is replaced or added.
    ///   - flowMetrics: those of the routes' tools; `nil` when no route has tools.
    /// - Returns: the pending deliveries of removed sinks.
    func reconfigure(
        _ layout: DeliveryMachine.Layout, sinks: [(metrics: ComponentMetrics, logger: Logger)?], flowMetrics: FlowMetrics?
    ) -> [SinkIndex: Int] {
        for (index, slot) in layout.sinks.enumerated() {
            if case .added = slot { self.loopDetector.renew(SinkIndex(index)) }
        }
        let newSources = Set(layout.sources.indices.filter { !layout.sources[$0].isKept }.map { SourceIndex($0) })
        let (effects, parts) = self.state.withLock { state in
            let effects = state.machine.apply(.reconfigure(layout))
            let old = state.parts
            state.parts = Parts(
                state.machine, metrics: DeliveryMetrics(following: old.metrics, sinks: sinks), flowMetrics: flowMetrics,
                following: old, newSources: newSources)
            for source in state.machine.watermarks.indices {
                state.parts.marks[source].follow(state.machine.watermarks[source])
            }
            flowMetrics?.count(state.machine.flow?.reports ?? [])
            return (effects, state.parts)
        }
        self.perform(effects, parts)
        guard case .dropped(let dropped) = effects.outcome else { return [:] }
        return dropped
    }

    /// Whether nothing is pending that the last source with an index has sent.
    func isSettled(_ source: SourceIndex) -> Bool {
        self.state.withLock { $0.machine.debts.sinksBehind(of: source).isEmpty }
    }

    /// Ends a sink's inlet, and keeps what is pending.
    func suspend(sink: SinkIndex) {
        self.apply(.suspend(sink))
    }

    /// When the tools of routes have something due; `nil` when nothing is.
    var flowDue: Timestamp? { self.state.withLock { $0.machine.flow?.due } }

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
        let parts = self.parts
        return parts.keepsAllDeadLetters || sinks.contains { parts.hasDeadLetters[$0] }
    }

    func observe(source: SourceIndex, _ notify: (@Sendable () -> Void)?) {
        self.parts.sourceSignals[source].observe(notify)
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
        let signal = self.parts.sinkSignals[sink]
        return try await signal.wait { self.poll(sink: sink, atMost: limit).unlessEmpty }
    }

    func observe(sink: SinkIndex, _ notify: (@Sendable () -> Void)?) {
        self.parts.sinkSignals[sink].observe(notify)
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
        self.state.withLock { ($0.machine.sinks[sink].cursor.pending, $0.machine.sinks[sink].cursor.weight) }
    }

    /// Whether nothing is pending for a sink and nothing can come, or a reload ends it.
    func hasEnded(sink: SinkIndex) -> Bool {
        self.state.withLock { state in
            let found = state.machine.sinks[sink]
            return found.isSuspended || state.machine.hasEnded(sink) && found.cursor.pending == 0
        }
    }
}
