import BridgeCore
import NIOCore
import Synchronization

/// The results of a view's expressions for batches: the events that pass, and their conflation keys.
///
/// Expressions are evaluated on other threads. A loop that needs an unknown result continues with other work and is
/// woken later. All readers of a batch share the result; the latest few are kept. Thread-safe.
final class SSEDecisions: Sendable {
    /// The results for a batch.
    struct Decision: Sendable {
        /// The indices of its events that belong to the view.
        let passing: [Int]
        /// The conflation key of each passing event, `nil` if it failed; empty if no expression computes keys.
        let keys: [String?]
    }

    /// The number of cached results.
    static let kept = 32

    private let selection: SSESelection
    private let key: Template?
    private let state = Mutex(State())
    private let reader = Mutex(EventReader())
    private let lane: EvaluationLane

    private struct State {
        /// The latest is last.
        var known = CircularBuffer<(batch: SSEBatch.Identity, decision: Decision)>()
        var asked = CircularBuffer<SSEBatch>()
        /// By batch: the waiting loops, and how each is woken.
        var waiting: [SSEBatch.Identity: [ObjectIdentifier: @Sendable () -> Void]] = [:]
    }

    /// - Parameter key: the conflation key, if it is an expression.
    init(_ selection: SSESelection, key: Template?) {
        self.selection = selection
        self.key = key
        let threads: EvaluationThreads = selection.filter.isEvaluated ? .clients : .file
        self.lane = EvaluationLane(on: threads)
        self.lane.setWork { [weak self] in self?.decideNext() ?? false }
    }

    /// Returns the results for a batch, or `nil` while they are not known.
    ///
    /// On the shard's loop. With `nil` the shard's current job is parked until the results are known.
    func decision(on batch: SSEBatch, _ shard: SSEShard) -> Decision? {
        let loop = shard.eventLoop
        let known = self.state.withLock { state -> Decision? in
            if let known = state.known.last(where: { $0.batch == batch.identity }) { return known.decision }
            if state.waiting[batch.identity] == nil { state.asked.append(batch) }
            let shard = NIOLoopBound(shard, eventLoop: loop)
            state.waiting[batch.identity, default: [:]][ObjectIdentifier(loop)] = { loop.execute { shard.value.jobs.unpark() } }
            return nil
        }
        if let known { return known }
        self.lane.wake()
        shard.jobs.park()
        return nil
    }

    /// Decides on one batch.
    ///
    /// - Returns: whether there may be another.
    private func decideNext() -> Bool {
        guard let batch = self.state.withLock({ $0.asked.popFirst() }) else { return false }
        let decision = self.reader.withLock { self.decide(batch, $0) }
        let waiting = self.state.withLock { state in
            if state.known.count >= Self.kept { state.known.removeFirst() }
            state.known.append((batch.identity, decision))
            return state.waiting.removeValue(forKey: batch.identity)
        }
        for wake in waiting?.values.map({ $0 }) ?? [] { wake() }
        return true
    }

    private func decide(_ batch: SSEBatch, _ reader: EventReader) -> Decision {
        let named = batch.events.indices.filter { batch.stream.isFixed || self.selection.takes(name: batch.name(at: $0)) }
        let passing = self.selection.filter.passing(named.map { batch.events[$0] }, reader) { event, error in
            batch.stream.metrics.filterFailed(event, error)
        }.map { named[$0] }
        guard let key else { return Decision(passing: passing, keys: []) }
        let keys = reader.texts(of: key, for: passing.map { batch.events[$0] })
        return Decision(passing: passing, keys: keys.map { try? $0.get() })
    }
}
