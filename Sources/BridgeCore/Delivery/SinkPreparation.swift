import DequeModule
import Synchronization

/// Evaluates expressions in a sink's templates, between the log and the sink: takes deliveries, evaluates on
/// ``EvaluationThreads``, and hands them out with the results.
///
/// Deliveries that it holds count as taken: ``reclaim()`` offers all of them again. Thread-safe; nothing is evaluated
/// under its lock.
final class SinkPreparation: Sendable {
    /// How many deliveries are evaluated together, and are ready at most.
    static let most = 64

    private let log: DeliveryLog
    private let sink: SinkIndex
    private let templates: [[Template]]
    private let state = Mutex(State())
    private let reader = Mutex(EventReader())
    private let lane: EvaluationLane
    /// Signals that the sink may find something.
    private let signal = Signal()

    private struct State {
        var ready: Deque<Delivery> = []
        /// Taken from the log, for later.
        var rest: [Delivery] = []
        /// Changes when everything is taken back.
        var generation = 0
        var isPreparing = false
        var hasEnded = false
        /// Whether another one has taken the sink over.
        var isRevoked = false
    }

    /// - Parameter templates: those of the sink, by variant.
    init(log: DeliveryLog, sink: SinkIndex, templates: [[Template]], threads: EvaluationThreads) {
        self.log = log
        self.sink = sink
        self.templates = templates
        self.lane = EvaluationLane(on: threads)
        self.lane.setWork { [weak self] in self?.prepareNext() ?? false }
        log.observe(sink: sink) { [lane] in lane.wake() }
    }

    // MARK: The sink's side

    /// See ``SinkInlet/poll(atMost:)``.
    func poll(atMost limit: Int) -> SinkInlet.Poll {
        let (found, looks) = self.state.withLock { state -> (SinkInlet.Poll, Bool) in
            guard !state.ready.isEmpty else {
                if state.isPreparing { return (.empty, false) }
                // Unconfirmed deliveries may be offered again, so it checks each time.
                return (state.hasEnded ? .ended : .empty, true)
            }
            let count = min(limit, state.ready.count)
            let batch = Array(state.ready.prefix(count))
            state.ready.removeFirst(count)
            return (.batch(batch), state.ready.isEmpty)
        }
        if looks { self.lane.wake() }
        return found
    }

    /// See ``SinkInlet/onAvailable(_:)``.
    func onAvailable(_ notify: (@Sendable () -> Void)?) {
        self.signal.observe(notify)
    }

    /// See ``SinkInlet/next(atMost:)``.
    ///
    /// - Throws: `CancellationError`.
    func next(atMost limit: Int) async throws -> SinkInlet.Poll {
        try await self.signal.wait { self.poll(atMost: limit).unlessEmpty }
    }

    /// See ``SinkInlet/reclaim()``.
    func reclaim() {
        self.state.withLock { state in
            state.generation += 1
            state.ready.removeAll()
            state.rest.removeAll()
            state.hasEnded = false
            // Under the lock: deliveries taken in between would be in flight without an owner.
            self.log.reclaim(sink: self.sink)
        }
    }

    /// Takes nothing more.
    func revoke() {
        self.state.withLock { $0.isRevoked = true }
        self.log.observe(sink: self.sink, nil)
    }

    // MARK: The threads' side

    /// Prepares one batch.
    ///
    /// - Returns: whether there may be another.
    private func prepareNext() -> Bool {
        let (taken, generation, isEnd) = self.state.withLock { state in
            let hadEnded = state.hasEnded
            let taken = state.ready.isEmpty ? self.take(&state) : []
            return (taken, state.generation, state.hasEnded && !hadEnded)
        }
        guard !taken.isEmpty else {
            if isEnd { self.signal.notify() }
            return false
        }
        let prepared = self.reader.withLock { $0.prepare(taken, self.templates) }
        let isReady = self.state.withLock { state in
            state.isPreparing = false
            if state.generation == generation {
                state.ready.append(contentsOf: prepared)
                state.rest = Array(taken[prepared.count...])
            }
            // Woken without a reason, a sink would ask again immediately.
            return !state.ready.isEmpty || state.hasEnded
        }
        if isReady { self.signal.notify() }
        return true
    }

    private func take(_ state: inout State) -> [Delivery] {
        guard !state.isRevoked else { return [] }
        var taken = state.rest
        state.rest = []
        if taken.isEmpty {
            switch self.log.poll(sink: self.sink, atMost: Self.most) {
            case .batch(let batch): taken = batch
            case .empty: state.hasEnded = false
            case .ended: state.hasEnded = true
            }
        }
        state.isPreparing = !taken.isEmpty
        return taken
    }
}
