import DequeModule
import PollThread
import Synchronization

/// Threads that wait for the workers of expressions, so that no event loop and no holder of a lock does.
///
/// Work arrives in ``EvaluationLane``s, which take turns: a lane with much to do delays others by at most one batch per
/// thread. Thread-safe. The threads start on demand, and last as long as the program.
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

    /// Runs a lane on one of the threads, after those that already wait.
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

/// Work that is done in batches, one after the other, on ``EvaluationThreads``.
///
/// Thread-safe.
package final class EvaluationLane: Sendable {
    private let threads: EvaluationThreads
    private let state = Mutex(State())

    private struct State {
        var phase = Phase.idle
        var work: @Sendable () -> Bool = { false }
    }

    private enum Phase {
        case idle
        /// Waits for a thread.
        case ready
        case running
        /// More work arrived while it ran.
        case runningWithMore
    }

    /// Makes a lane without work.
    package init(on threads: EvaluationThreads) {
        self.threads = threads
    }

    /// Sets the work; called once, before the first ``wake()``.
    ///
    /// - Parameter work: does one batch, on one of the threads; returns whether there is another. Never runs
    ///   concurrently with itself.
    package func setWork(_ work: @escaping @Sendable () -> Bool) {
        self.state.withLock { $0.work = work }
    }

    /// Schedules the work; from any thread, never blocks.
    package func wake() {
        let isNew = self.state.withLock { state in
            switch state.phase {
            case .idle:
                state.phase = .ready
                return true
            case .running:
                state.phase = .runningWithMore
                return false
            case .ready, .runningWithMore: return false
            }
        }
        if isNew { self.threads.enqueue(self) }
    }

    /// Does one batch, on a thread of ``EvaluationThreads``.
    fileprivate func run() {
        let work = self.state.withLock { state in
            state.phase = .running
            return state.work
        }
        let hasMore = work()
        let goesOn = self.state.withLock { state in
            let goesOn = hasMore || state.phase == .runningWithMore
            state.phase = goesOn ? .ready : .idle
            return goesOn
        }
        if goesOn { self.threads.enqueue(self) }
    }
}
