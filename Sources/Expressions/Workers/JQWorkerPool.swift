import BridgeCore
import Glibc
import NIOCore
import PollThread
import Synchronization

/// The workers of one kind of expressions, and what they are to know.
///
/// Thread-safe. A caller takes a worker for one exchange and blocks meanwhile; another one stands ready, so that a caller whose worker ends
/// need not wait for the next. No worker runs before the first expression is compiled. The thread that starts workers is the pool's own and
/// lasts until ``stop()``, since a worker ends with the thread that started it.
final class JQWorkerPool: Sendable {
    let limits: JQLimits
    private let executable: String
    private let state = Mutex(State())
    private let work = Semaphore()

    /// Starts that fail, one after another, before those who wait hear of it and new ones wait for a while.
    private static let attempts = 3
    /// How long a start may take.
    private static let startPatience = Duration.seconds(20)

    private struct State {
        var idle: [JQWorker] = []
        /// Idle, in use, and being started.
        var total = 0
        var starting = 0
        var waiting: [Waiter] = []
        /// What every worker needs to have, by number.
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

    /// Workers that have been lost so far.
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

    /// Has new workers know a program, one that compiles.
    func add(_ number: UInt32, _ program: JQProgramText) {
        self.state.withLock { $0.programs[number] = program }
    }

    /// Has all workers forget a program.
    func remove(_ number: UInt32) {
        self.state.withLock { state in
            state.programs[number] = nil
            state.removals &+= 1
        }
    }

    // MARK: Taking and giving back

    /// Takes a worker, and waits for one if all are in use.
    ///
    /// - Parameter keepsSpare: whether another one is to stand ready from now on.
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
            // Without a thread or a single worker nobody would come.
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

    /// Notes that a worker was lost; it is gone already.
    func lost() {
        self.state.withLock { state in
            state.total -= 1
            state.losses += 1
            if state.starting < state.waiting.count { self.start(&state) }
            self.startSpare(&state)
        }
    }

    /// Ends the workers and the thread; for a pool that nobody uses any more.
    func stop() {
        let idle = self.state.withLock { state in
            state.isStopped = true
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.end() }
        self.work.signal()
    }

    /// Has a worker know a program.
    ///
    /// - Returns: what the compiler complained of, `nil` when it compiled.
    /// - Throws: ``JQWorker/Loss``; the worker is gone then.
    func teach(_ worker: inout JQWorker, _ number: UInt32, _ program: JQProgramText) throws(JQWorker.Loss) -> [String]? {
        guard !worker.programs.contains(number) else { return nil }
        let frame = WorkerFrame.compile(number, program, milliseconds: JQLimits.milliseconds(self.limits.compilation))
        let answer = try worker.ask(frame, patience: self.limits.patience(of: self.limits.compilation))
        guard let complaints = WorkerFrame.complaints(answer) else { throw worker.refuse() }
        if complaints == nil { worker.programs.insert(number) }
        return complaints
    }

    /// Has a worker forget what nobody needs any more.
    ///
    /// - Throws: ``JQWorker/Loss``; the worker is gone then.
    func tidy(_ worker: inout JQWorker) throws(JQWorker.Loss) {
        for number in worker.stale {
            try worker.tell(WorkerFrame.forget(number), patience: self.limits.patience(of: self.limits.time))
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
        // Those that were in use at the end have been ended by whoever gave them back.
    }

    private func startOne() {
        do throws(JQStartError) {
            var worker = try JQWorker.start(self.executable, memory: self.limits.memory, patience: Self.startPatience)
            // Compiling takes 20 ms each: done ahead, unless somebody needs the worker at once.
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
                // Perhaps somebody only killed it.
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

    /// Whether somebody waits for a worker.
    private var isAwaited: Bool { self.state.withLock { !$0.waiting.isEmpty } }

    private static func error(_ state: borrowing State) -> ExpressionError {
        ExpressionError("no expression worker can be started: \(state.failure)")
    }

    /// What a caller that wants a worker gets.
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
