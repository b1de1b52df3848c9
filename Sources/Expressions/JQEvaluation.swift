import CJq
import Synchronization

/// The evaluation that one expression is in, seen by the thread that evaluates and by the watchdog.
final class JQEvaluation: Sendable {
    private struct Run {
        var state: JQState?
        var ticks = 0
        var wasEnded = false
    }

    private let run = Mutex(Run())

    /// The interpreter has been started.
    func begin(_ state: JQState) {
        self.run.withLock { $0 = Run(state: state) }
    }

    /// The interpreter has returned.
    ///
    /// - Returns: whether the watchdog made it.
    func end() -> Bool {
        self.run.withLock { run in
            run.state = nil
            return run.wasEnded
        }
    }

    var isRunning: Bool { self.run.withLock { $0.state != nil } }

    /// Counts one tick of the watchdog and ends the evaluation that has seen more than `limit` of them.
    ///
    /// The lock keeps ``end()`` waiting meanwhile, so the order to stop never meets an interpreter that has returned.
    func tick(limit: Int) {
        self.run.withLock { run in
            guard let state = run.state, !run.wasEnded else { return }
            run.ticks += 1
            guard run.ticks > limit else { return }
            run.wasEnded = true
            jq_halt(state.pointer, jv_null(), jv_null())
        }
    }
}
