import BridgeCore
import Glibc
import NIOCore
import PollThread
import Synchronization

/// The workers of one kind of expressions, and what they are to know.
///
/// Thread-safe. A caller takes a worker for one exchange and blocks meanwhile; a spare one is ready, so that a caller
/// whose worker ends need not wait for the next. No worker runs before the first expression is compiled. The thread
/// that starts workers is the pool's own and lasts until ``stop()``, because a worker ends with the thread that started
/// it.
final class JQWorkerPool: Sendable {
    let limits: JQLimits
    private let executable: String
    private let state = Mutex(State())
    private let work = Semaphore()

    /// Consecutive failed starts after which waiting callers get an error and new starts wait for a while.
    private static let attempts = 3
    /// The longest time for a start.
    private static let startPatience = Duration.seconds(20)

    private struct State {
        var idle: [JQWorker] = []
        /// Idle, in use, and being started.
        var total = 0
        var starting = 0
        var waiting: [Waiter] = []
        /// The programs that every worker needs, by number.
        var programs: [UInt32: JQProgramText] = [:]
        var lastNumber: UInt32 = 0
        /// Counts the programs that were removed.
        var removals = 0
        /// Whether one more than is in use is kept.
        var keepsSpare = false
        /// Starts that failed, one after another.
        var failures = 0
        var failure = ""
        var startsAgain: ContinuousClock.Instant?
        var hasThread = false
        var isStopped = false
        var losses = 0
    }

    /// - Parameter executable: the path of the program.
    init(executable: String, limits: JQLimits) {
        self.executable = executable
        self.limits = limits
    }

    /// The number of lost workers.
    var losses: Int { self.state.withLock { $0.losses } }

    /// The processes that are idle now.
    var idleProcesses: [pid_t] { self.state.withLock { $0.idle.map(\.process) } }

    // MARK: Programs

    /// A number for a program.
    func nextNumber() -> UInt32 {
        self.state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    /// Adds a compiled program to new workers.
    func add(_ number: UInt32, _ program: JQProgramText) {
        self.state.withLock { $0.programs[number] = program }
    }

    /// Removes a program from all workers.
    func remove(_ number: UInt32) {
        self.state.withLock { state in
            state.programs[number] = nil
            state.removals &+= 1
        }
    }

    // MARK: Taking and giving back

    /// Takes a worker, and waits for one if all are in use.
    ///
    /// - Parameter keepsSpare: whether to keep a spare one ready from now on.
    /// - Throws: when none can be started, or none becomes free.
    func take(keepsSpare: Bool) throws(ExpressionError) -> JQWorker {
        let turn: Turn = self.state.withLock { state in
            state.keepsSpare = state.keepsSpare || keepsSpare
            if let worker = state.idle.popLast() {
                self.startSpare(&state)
                return .now(.success(worker))
            }
            if let startsAgain = state.startsAgain, startsAgain > .now { return .now(.failure(Self.error(state))) }
            if state.starting <= state.waiting.count { self.start(&state) }
            // Without a thread or a single worker no worker would ever become free.
            guard state.total > 0 else {
                return .now(.failure(ExpressionError("no thread for expression workers can be started")))
            }
            let waiter = Waiter()
            state.waiting.append(waiter)
            return .wait(waiter)
        }
        let waiter: Waiter
        switch turn {
        case .now(let result): return try result.get()
        case .wait(let own): waiter = own
        }
        let patience = Self.startPatience + self.limits.patience(of: self.limits.time)
        if waiter.semaphore.wait(atMost: patience) { return try waiter.answer.withLock { $0 }!.get() }
        let late: Result<JQWorker, ExpressionError>? = self.state.withLock { state in
            state.waiting.removeAll { $0 === waiter }
            return waiter.answer.withLock { $0 }
        }
        guard let late else { throw ExpressionError("no expression worker became free within \(patience)") }
        return try late.get()
    }

    /// Gives a worker back.
    func give(_ worker: JQWorker) {
        let isStopped = self.state.withLock { state in
            guard !state.isStopped else { return true }
            var worker = worker
            if worker.removals != state.removals {
                worker.stale = worker.programs.filter { state.programs[$0] == nil }
                worker.removals = state.removals
            }
            if let waiter = state.waiting.first {
                state.waiting.removeFirst()
                waiter.finish(.success(worker))
            } else {
                state.idle.append(worker)
            }
            return false
        }
        if isStopped { worker.end() }
    }

    /// Records that a worker was lost and has ended.
    func lost() {
        self.state.withLock { state in
            state.total -= 1
            state.losses += 1
            if state.starting < state.waiting.count { self.start(&state) }
            self.startSpare(&state)
        }
    }

    /// Ends the workers and the thread; for a pool that is no longer used.
    func stop() {
        let idle = self.state.withLock { state in
            state.isStopped = true
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.end() }
        self.work.signal()
    }

    /// Sends a program to a worker.
    ///
    /// - Returns: what the compiler complained of, `nil` when it compiled.
    /// - Throws: ``JQWorker/Loss``; the worker has then ended.
    func teach(_ worker: inout JQWorker, _ number: UInt32, _ program: JQProgramText) throws(JQWorker.Loss) -> [String]? {
        guard !worker.programs.contains(number) else { return nil }
        let frame = WorkerFrame.compile(number, program, milliseconds: JQLimits.milliseconds(self.limits.compilation))
        let answer = try worker.ask(frame, patience: self.limits.patience(of: self.limits.compilation))
        guard let complaints = WorkerFrame.complaints(answer) else { throw worker.refuse() }
        if complaints == nil { worker.programs.insert(number) }
        return complaints
    }

    /// Removes programs from a worker that are no longer needed.
    ///
    /// - Throws: ``JQWorker/Loss``; the worker has then ended.
    func tidy(_ worker: inout JQWorker) throws(JQWorker.Loss) {
        for number in worker.stale {
            try worker.send(WorkerFrame.forget(number), patience: self.limits.patience(of: self.limits.time))
            worker.programs.remove(number)
        }
        worker.stale = []
    }

    // MARK: Starting

    private func startSpare(_ state: inout State) {
        if let startsAgain = state.startsAgain, startsAgain > .now { return }
        if state.keepsSpare, state.idle.isEmpty, state.starting == 0 { self.start(&state) }
    }

    private func start(_ state: inout State) {
        guard state.total < self.limits.workers, !state.isStopped else { return }
        if !state.hasThread {
            guard (try? DetachedThread.start { self.run() }) != nil else { return }
            state.hasThread = true
        }
        state.total += 1
        state.starting += 1
        self.work.signal()
    }

    /// The thread: each signal is one worker to start, or the end.
    private func run() {
        while true {
            self.work.wait()
            if self.state.withLock({ $0.isStopped }) { break }
            self.startOne()
        }
        // Those in use at the end were ended by their callers.
    }

    private func startOne() {
        do throws(JQStartError) {
            var worker = try JQWorker.start(self.executable, memory: self.limits.memory, patience: Self.startPatience)
            // Compiling takes 20 ms each: done in advance, unless a caller needs the worker at once.
            for (number, program) in self.state.withLock({ $0.programs }) where !self.isAwaited {
                do throws(JQWorker.Loss) { _ = try self.teach(&worker, number, program) } catch {
                    throw JQStartError("the worker ended while it compiled", 0)
                }
            }
            let isStopped = self.state.withLock { state in
                state.starting -= 1
                state.failures = 0
                state.startsAgain = nil
                return state.isStopped
            }
            if isStopped { worker.end() } else { self.give(worker) }
        } catch {
            self.state.withLock { state in
                state.failures = min(state.failures + 1, 8)
                let isOnceMore = state.failures < Self.attempts && !state.isStopped
                // It may only have been killed.
                if isOnceMore, !state.waiting.isEmpty { return self.work.signal() }
                state.starting -= 1
                state.total -= 1
                guard !isOnceMore else { return }
                state.failure = error.message
                state.startsAgain = .now + min(.milliseconds(25) * (1 << state.failures), .seconds(10))
                let failure = Self.error(state)
                for waiter in state.waiting { waiter.finish(.failure(failure)) }
                state.waiting = []
            }
        }
    }

    /// Whether a caller waits for a worker.
    private var isAwaited: Bool { self.state.withLock { !$0.waiting.isEmpty } }

    private static func error(_ state: borrowing State) -> ExpressionError {
        ExpressionError("no expression worker can be started: \(state.failure)")
    }

    /// The result for a caller that needs a worker.
    private enum Turn {
        case now(Result<JQWorker, ExpressionError>)
        case wait(Waiter)
    }

    /// A caller that waits for a worker.
    private final class Waiter: Sendable {
        let semaphore = Semaphore()
        let answer = Mutex<Result<JQWorker, ExpressionError>?>(nil)

        func finish(_ answer: Result<JQWorker, ExpressionError>) {
            self.answer.withLock { $0 = answer }
            self.semaphore.signal()
        }
    }
}
