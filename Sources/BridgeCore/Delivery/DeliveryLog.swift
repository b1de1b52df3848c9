import Synchronization

/// The log with the cursors of all sinks and the watermarks of all sources: what sources append to and sinks take from.
///
/// Thread-safe behind one lock, which is taken once per batch; nobody is woken and nothing is counted while it is held. Outlets and
/// inlets are the two faces it shows.
final class DeliveryLog: Sendable {
    let state: Mutex<State>
    /// The names of the routes, which deliveries carry.
    let routes: ComponentTable<RouteIndex, String>
    let tallies: DeliveryTallies
    private let loopGuard: LoopGuard
    /// By sink: whether it has a sink for dead letters.
    private let hasDeadLetters: ComponentTable<SinkIndex, Bool>
    /// Dead letters are kept whatever sinks say.
    private let keepsAllLetters: Bool
    /// Who writes the log to the disk.
    let writer = Mutex<Writer?>(nil)

    /// - Parameters:
    ///   - sources: the name of each source and how it acknowledges.
    ///   - sinks: the name of each sink and how it is fed; the dead-letter sinks they name are among them.
    ///   - unrouted: the sink that takes what no route takes.
    ///   - routes: the routes' names.
    ///   - limits: above them every source pauses.
    ///   - loopGuard: hears what a sink was given and has not had.
    ///   - contents: what an earlier run has left on disk; `nil` for a log in memory only.
    init(
        sources: [(name: String, acknowledge: AcknowledgePolicy)], sinks: [(name: String, settings: DeliverySettings)],
        unrouted: SinkIndex?, routes: [String], limits: LogLimits, tallies: DeliveryTallies, loopGuard: LoopGuard = LoopGuard(),
        contents: LogContents? = nil
    ) {
        self.routes = ComponentTable(routes)
        self.tallies = tallies
        self.loopGuard = loopGuard
        let indices = Dictionary(
            sinks.enumerated().map { ($0.element.name, SinkIndex($0.offset)) }, uniquingKeysWith: { first, _ in first })
        let deadLetters = sinks.map { sink in sink.settings.deadLetter.flatMap { indices[$0] } }
        let carriers = Set(deadLetters.compactMap { $0 } + [unrouted].compactMap { $0 })
        self.hasDeadLetters = ComponentTable(deadLetters.map { $0 != nil })
        self.keepsAllLetters = contents != nil || unrouted != nil
        var state = State(
            log: MemoryLog(after: contents?.head ?? .start),
            cursors: sinks.enumerated().map { index, sink in
                var settings = sink.settings
                settings.carriesLetters = carriers.contains(SinkIndex(index))
                return SinkCursor(sink: SinkIndex(index), settings: settings, isOnDisk: contents != nil)
            },
            waiting: Array(repeating: Waiting(), count: sinks.count),
            watermarks: sources.map { SourceWatermark(acknowledge: $0.acknowledge, sinks: sinks.count) },
            names: sinks.map(\.name),
            sources: Dictionary(uniqueKeysWithValues: sources.enumerated().map { ($0.element.name, SourceIndex($0.offset)) }),
            deadLetters: deadLetters, unrouted: unrouted, limits: limits,
            disk: contents.map { DiskState($0, sinks: sinks.map(\.name)) }
        )
        if let contents { state.resume(contents) }
        self.state = Mutex(state)
    }

    // MARK: The sources' side

    /// Appends a batch of one source, in order.
    ///
    /// - Parameters:
    ///   - repeated: sinks that were given an event of the batch before, which may be another source's and still be on its way.
    ///   - wakesWriter: false when the caller calls ``write(for:)``.
    func append(
        _ records: [LogRecord], repeated: [SinkIndex] = [], source: SourceIndex, wakesWriter: Bool = true
    ) -> SourceOutlet.Receipt {
        var actions = Actions()
        let receipt = self.state.withLock { state in
            var touched = SinkSet(count: state.cursors.count)
            for record in records {
                state.log.append(record)
                let position = state.log.head
                if !record.routing.plan.entries.isEmpty { state.disk?.append(record, at: position) }
                for entry in record.routing.plan.entries {
                    state.cursors[entry.sink].grow(at: position, weight: record.event(of: entry).weight)
                    state.watermarks[source].give(position, to: entry.sink)
                    touched.insert(entry.sink)
                }
                for lost in record.routing.lost {
                    for sink in state.giveLost(lost, of: record, at: position, routes: self.routes) { touched.insert(sink) }
                }
                if record.routing.plan.entries.isEmpty {
                    actions.unrouted += 1
                    if let sink = state.unrouted, record.event.kind != .gap, record.routing.lost.isEmpty {
                        state.giveUnrouted(record, at: position, to: sink)
                        touched.insert(sink)
                    }
                }
            }
            for sink in repeated { state.watermarks[source].give(state.log.head, to: sink) }
            if !records.isEmpty || !repeated.isEmpty { state.watermarks[source].append(at: state.log.head) }
            for sink in touched.elements {
                state.makeRoom(sink, routes: self.routes, actions: &actions)
                state.wake(sink, actions: &actions)
            }
            state.spareMemory(routes: self.routes)
            state.settle(&actions)
            if wakesWriter { state.afterAppending(&actions) }
            let watermark = state.watermarks[source]
            return SourceOutlet.Receipt(demand: watermark.isPaused ? .pause : .more, position: watermark.appended)
        }
        self.perform(actions)
        return receipt
    }

    /// Whether an event that is lost to a route with these sinks is kept.
    func keepsLetters(of sinks: [SinkIndex]) -> Bool {
        self.keepsAllLetters || sinks.contains { self.hasDeadLetters[$0] }
    }

    func watermark<Value>(of source: SourceIndex, _ read: (SourceWatermark) -> Value) -> Value {
        self.state.withLock { read($0.watermarks[source]) }
    }

    func observe(source: SourceIndex, _ notify: (@Sendable () -> Void)?) {
        self.state.withLock { $0.watermarks[source].observer = notify }
    }

    /// Tells a source to end.
    func stop(source: SourceIndex) {
        var actions = Actions()
        self.state.withLock { state in
            state.watermarks[source].isStopping = true
            state.tell(source, actions: &actions)
        }
        self.perform(actions)
    }

    /// Waits until a condition on a source's watermark holds.
    ///
    /// - Throws: `CancellationError`.
    func wait(source: SourceIndex, until condition: @escaping @Sendable (SourceWatermark) -> Bool) async throws {
        let id = self.state.withLock { $0.nextID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isMet = self.state.withLock { state in
                    if condition(state.watermarks[source]) || Task.isCancelled { return true }
                    state.waiters.append(Waiter(id: id, source: source, condition: condition, continuation: continuation))
                    return false
                }
                if isMet { continuation.resume() }
            }
            try Task.checkCancellation()
        } onCancel: {
            let waiter = self.state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    // MARK: The sinks' side

    func poll(sink: SinkIndex, atMost limit: Int) -> SinkInlet.Poll {
        var actions = Actions()
        let found = self.state.withLock { $0.poll(sink, atMost: limit, routes: self.routes, actions: &actions) }
        self.perform(actions)
        return found
    }

    func observe(sink: SinkIndex, _ notify: (@Sendable () -> Void)?) {
        self.state.withLock { $0.waiting[sink].observer = notify }
    }

    /// Waits until ``poll(sink:atMost:)`` finds something or has ended.
    ///
    /// - Throws: `CancellationError`.
    func next(sink: SinkIndex, atMost limit: Int) async throws -> SinkInlet.Poll {
        while true {
            try Task.checkCancellation()
            let found = self.poll(sink: sink, atMost: limit)
            if case .empty = found {} else { return found }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mustWait = self.state.withLock { state in
                        guard !Task.isCancelled, !state.hasWork(sink), !state.hasEnded(sink) else { return false }
                        precondition(state.waiting[sink].continuation == nil, "a sink has one consumer")
                        state.waiting[sink].continuation = continuation
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            } onCancel: {
                self.state.withLock { $0.waiting[sink].takeContinuation() }?.resume()
            }
        }
    }

    /// See ``SinkInlet/confirm(through:)``.
    func confirm(sink: SinkIndex, through delivery: Delivery) {
        self.settle(sink: sink) { state in state.cursors[sink].confirm(through: delivery.ticket) }
    }

    /// See ``SinkInlet/confirm(_:)``.
    func confirm(sink: SinkIndex, _ delivery: Delivery) {
        self.settle(sink: sink) { state in state.cursors[sink].settle(delivery.ticket) ? [delivery] : [] }
    }

    private func settle(sink: SinkIndex, _ body: (inout sending State) -> [Delivery]) {
        var actions = Actions()
        let settled = self.state.withLock { state in
            let settled = body(&state)
            if !settled.isEmpty {
                state.delivered(settled, by: sink, actions: &actions)
                state.afterSettling(sink, actions: &actions)
            }
            return settled
        }
        self.tallies.confirmed(sink: sink, settled)
        self.perform(actions)
    }

    /// See ``SinkInlet/refuse(_:_:)``.
    func refuse(sink: SinkIndex, _ delivery: Delivery, reason: String) {
        var actions = Actions()
        self.state.withLock { state in
            guard state.cursors[sink].settle(delivery.ticket) else { return }
            state.giveUp(delivery, of: sink, .refused, reason: reason, routes: self.routes, actions: &actions)
            state.afterSettling(sink, actions: &actions)
        }
        self.perform(actions)
    }

    /// See ``SinkInlet/postpone(_:_:)``.
    func postpone(sink: SinkIndex, _ delivery: Delivery, reason: String) {
        var actions = Actions()
        self.state.withLock { state in
            guard state.cursors[sink].fail(delivery.ticket), state.cursors[sink].settle(delivery.ticket) else { return }
            state.giveUp(delivery, of: sink, .attempts, reason: reason, routes: self.routes, actions: &actions)
            state.afterSettling(sink, actions: &actions)
        }
        self.perform(actions)
    }

    /// The sink's `run` has ended: what it had in hand is offered again.
    func takeBack(sink: SinkIndex) {
        var actions = Actions()
        self.state.withLock { state in
            state.cursors[sink].takeBack()
            state.afterSettling(sink, actions: &actions)
        }
        self.perform(actions)
    }

    /// No source will send again: every inlet ends when it is empty.
    func finish() {
        var actions = Actions()
        self.state.withLock { state in
            state.isFinished = true
            for sink in state.cursors.indices { state.wake(sink, actions: &actions) }
        }
        self.perform(actions)
    }

    /// How many deliveries of a sink are not confirmed, and what they weigh in bytes.
    func backlog(of sink: SinkIndex) -> (events: Int, bytes: Int) {
        self.state.withLock { ($0.cursors[sink].pending, $0.cursors[sink].weight) }
    }

    /// Nothing is left for a sink and nothing can come.
    func hasEnded(sink: SinkIndex) -> Bool {
        self.state.withLock { $0.hasEnded(sink) && $0.cursors[sink].pending == 0 }
    }

    func perform(_ actions: consuming Actions) {
        for (sink, delivery) in actions.undelivered { self.loopGuard.forget(delivery, sink: sink) }
        self.tallies.count(actions)
        if actions.wakesWriter { self.wakeWriter() }
        for continuation in actions.sinks { continuation.resume() }
        for continuation in actions.sources { continuation.resume() }
        for notify in actions.observers { notify() }
    }
}
