import BridgeCore
import NIOCore
import Synchronization

/// What expressions say of a view's batches: which events it has, and what they are conflated by.
///
/// Expressions are evaluated on threads of their own. A loop that asks for what is not known yet goes on with other work, and is woken once it
/// is. All who read a batch share the answer; the latest few are kept. Thread-safe.
final class SSEDecisions: Sendable {
    /// What is known of a batch.
    struct Decision: Sendable {
        /// The indices of its events that the view has.
        let passing: [Int]
        /// By event that it has: what it is conflated by, `nil` where that failed; empty where no expression says so.
        let keys: [String?]
    }

    /// Answers that are kept.
    static let kept = 32

    private let selection: SSESelection
    private let key: Template?
    private let state = Mutex(State())
    private let reader = Mutex(EventReader())
    private let lane = Mutex<EvaluationLane?>(nil)

    private struct State {
        /// The latest last.
        var known = CircularBuffer<(first: UInt64, decision: Decision)>()
        var asked = CircularBuffer<SSEBatch>()
        /// By the first sequence of a batch: the loops that wait, and how each is woken.
        var waiting: [UInt64: [ObjectIdentifier: @Sendable () -> Void]] = [:]
    }

    /// - Parameter key: what events are conflated by, where that is an expression.
    init(_ selection: SSESelection, key: Template?) {
        self.selection = selection
        self.key = key
        let threads: EvaluationThreads = selection.filter.isEvaluated ? .clients : .file
        self.lane.withLock { lane in
            lane = EvaluationLane(on: threads) { [weak self] in self?.decideNext() ?? false }
        }
    }

    /// What is known of a batch; `nil` when that is not known yet: the shard's job that runs now is then parked, and goes on once it is.
    ///
    /// On the shard's loop.
    func decision(on batch: SSEBatch, _ shard: SSEShard) -> Decision? {
        let loop = shard.eventLoop
        let known = self.state.withLock { state -> Decision? in
            if let known = state.known.last(where: { $0.first == batch.first }) { return known.decision }
            if state.waiting[batch.first] == nil { state.asked.append(batch) }
            let shard = NIOLoopBound(shard, eventLoop: loop)
            state.waiting[batch.first, default: [:]][ObjectIdentifier(loop)] = { loop.execute { shard.value.turns.unpark() } }
            return nil
        }
        if let known { return known }
        self.lane.withLock { $0 }?.wake()
        shard.turns.park()
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
            state.known.append((batch.first, decision))
            return state.waiting.removeValue(forKey: batch.first)
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
