import DequeModule
import PollThread
import Synchronization

/// Threads that wait for the workers of expressions, so that no event loop and no holder of a lock does.
///
/// Work comes in ``EvaluationLane``s, which take turns: a lane with much to do delays others by one piece at most for each thread. Thread-safe.
/// The threads are started when there is work for them, and last as long as the program.
package final class EvaluationThreads: Sendable {
    /// For the expressions of the file: as many as there are workers for them.
    package static let file = EvaluationThreads(count: 4)
    /// For the expressions of clients, which never delay those of the file.
    package static let clients = EvaluationThreads(count: 2)

    private let count: Int
    private let state = Mutex(State())
    private let work = Semaphore()

    private struct State {
        var ready: Deque<EvaluationLane> = []
        var threads = 0
        /// Threads that wait for work, less the lanes that wait for them.
        var idle = 0
    }

    /// - Parameter count: threads at most, 1 or more.
    package init(count: Int) {
        self.count = count
    }

    /// Has a lane run on one of the threads, behind those that wait already.
    func enqueue(_ lane: EvaluationLane) {
        let isAlone = self.state.withLock { state in
            if state.idle <= 0, state.threads < self.count, (try? DetachedThread.start { self.run() }) != nil {
                state.threads += 1
                state.idle += 1
            }
            guard state.threads > 0 else { return true }
            state.idle -= 1
            state.ready.append(lane)
            return false
        }
        // The system has no thread left: slower is better than never.
        if isAlone { lane.run() } else { self.work.signal() }
    }

    private func run() {
        PollThread.nameCurrentThread("expressions")
        while true {
            self.work.wait()
            let lane = self.state.withLock { $0.ready.popFirst() }
            lane?.run()
            self.state.withLock { $0.idle += 1 }
        }
    }
}

/// Work that is done in pieces, one after the other, on ``EvaluationThreads``.
///
/// Thread-safe.
package final class EvaluationLane: Sendable {
    private let threads: EvaluationThreads
    private let work: @Sendable () -> Bool
    private let phase = Mutex(Phase.idle)

    private enum Phase {
        case idle
        /// Waits for a thread.
        case ready
        case running
        /// Something came while it ran.
        case runningWithMore
    }

    /// - Parameter work: does one piece, on one of the threads; returns whether there is another. Never runs twice at a time.
    package init(on threads: EvaluationThreads, work: @escaping @Sendable () -> Bool) {
        self.threads = threads
        self.work = work
    }

    /// Has the work done soon; from any thread, never blocks.
    package func wake() {
        let isNew = self.phase.withLock { phase in
            switch phase {
            case .idle:
                phase = .ready
                return true
            case .running:
                phase = .runningWithMore
                return false
            case .ready, .runningWithMore: return false
            }
        }
        if isNew { self.threads.enqueue(self) }
    }

    /// Does one piece, on a thread of ``EvaluationThreads``.
    fileprivate func run() {
        self.phase.withLock { $0 = .running }
        let hasMore = self.work()
        let goesOn = self.phase.withLock { phase in
            let goesOn = hasMore || phase == .runningWithMore
            phase = goesOn ? .ready : .idle
            return goesOn
        }
        if goesOn { self.threads.enqueue(self) }
    }
}
