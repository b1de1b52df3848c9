import DequeModule
import Synchronization

/// Stands between the log and a sink whose templates need expressions: takes deliveries, has the expressions evaluated on
/// ``EvaluationThreads``, and hands the deliveries out with what was found.
///
/// Deliveries that it holds count as taken: ``takeBack()`` has all of them offered again. Thread-safe; nothing is evaluated under its lock.
final class SinkPreparation: Sendable {
    /// Deliveries that are evaluated together, and that stand ready at most.
    static let most = 64

    private let log: DeliveryLog
    private let sink: SinkIndex
    private let templates: [[Template]]
    private let state = Mutex(State())
    private let reader = Mutex(EventReader())
    private let lane = Mutex<EvaluationLane?>(nil)

    private struct State {
        var ready: Deque<Delivery> = []
        /// Taken from the log, for when what is ready has been handed out.
        var rest: [Delivery] = []
        /// Changes when everything is taken back.
        var generation = 0
        var isPreparing = false
        var hasEnded = false
        var observer: (@Sendable () -> Void)?
        var continuation: CheckedContinuation<Void, Never>?

        mutating func takeContinuation() -> CheckedContinuation<Void, Never>? {
            defer { self.continuation = nil }
            return self.continuation
        }
    }

    /// - Parameter templates: those of the sink, by variant.
    init(log: DeliveryLog, sink: SinkIndex, templates: [[Template]], threads: EvaluationThreads) {
        self.log = log
        self.sink = sink
        self.templates = templates
        let lane = EvaluationLane(on: threads) { [weak self] in self?.prepareNext() ?? false }
        self.lane.withLock { $0 = lane }
        log.observe(sink: sink) { lane.wake() }
    }

    // MARK: The sink's side

    /// See ``SinkInlet/poll(atMost:)``.
    func poll(atMost limit: Int) -> SinkInlet.Poll {
        let (found, looks) = self.state.withLock { state -> (SinkInlet.Poll, Bool) in
            guard !state.ready.isEmpty else {
                if state.isPreparing { return (.empty, false) }
                // What is not confirmed may yet be offered again, so it looks each time.
                return (state.hasEnded ? .ended : .empty, true)
            }
            let count = min(limit, state.ready.count)
            let batch = Array(state.ready.prefix(count))
            state.ready.removeFirst(count)
            return (.batch(batch), state.ready.isEmpty)
        }
        if looks { self.lane.withLock { $0 }?.wake() }
        return found
    }

    /// See ``SinkInlet/onAvailable(_:)``.
    func onAvailable(_ notify: (@Sendable () -> Void)?) {
        self.state.withLock { $0.observer = notify }
    }

    /// See ``SinkInlet/next(atMost:)``.
    ///
    /// - Throws: `CancellationError`.
    func next(atMost limit: Int) async throws -> SinkInlet.Poll {
        while true {
            try Task.checkCancellation()
            let found = self.poll(atMost: limit)
            if case .empty = found {} else { return found }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mustWait = self.state.withLock { state in
                        guard !Task.isCancelled, state.ready.isEmpty, !state.hasEnded else { return false }
                        precondition(state.continuation == nil, "a sink has one consumer")
                        state.continuation = continuation
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            } onCancel: {
                self.state.withLock { $0.takeContinuation() }?.resume()
            }
        }
    }

    /// See ``SinkInlet/takeBack()``.
    func takeBack() {
        self.state.withLock { state in
            state.generation += 1
            state.ready.removeAll()
            state.rest.removeAll()
            state.hasEnded = false
            // Under the lock: nothing may be taken in between, which would be in the hand of nobody.
            self.log.takeBack(sink: self.sink)
        }
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
            if isEnd { self.tell() }
            return false
        }
        let prepared = self.reader.withLock { $0.prepare(taken, self.templates) }
        self.state.withLock { state in
            state.isPreparing = false
            guard state.generation == generation else { return }
            state.ready.append(contentsOf: prepared)
            state.rest = Array(taken[prepared.count...])
        }
        self.tell()
        return true
    }

    private func take(_ state: inout State) -> [Delivery] {
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

    /// Tells the sink that it may find something.
    private func tell() {
        let (continuation, observer) = self.state.withLock { state in
            // Woken for nothing, a sink would ask again at once.
            state.ready.isEmpty && !state.hasEnded ? (nil, nil) : (state.takeContinuation(), state.observer)
        }
        continuation?.resume()
        observer?()
    }
}
