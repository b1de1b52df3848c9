package import BridgeCore
import NIOCore
import Synchronization

/// Evaluates expressions in workers, as many as possible in one exchange.
///
/// An item that ends its worker fails, the others are evaluated in the next worker. Thread-safe; blocks the caller
/// during the evaluations, see ``JQLimits``. The workers end with it.
package final class JQEvaluator: ExpressionEvaluator {
    private let pool: JQWorkerPool
    private let observer = Mutex<(@Sendable (JQFault) -> Void)?>(nil)

    /// How often one call starts over because a worker was killed from outside before it was asked anything, and while it evaluated: a machine
    /// without memory kills it again and again.
    private static let restarts = (idle: 8, busy: 2)
    /// Bytes of results that one call collects before it leaves the rest for later.
    private static let volumeLimit = 32 << 20

    init(executable: String, limits: JQLimits) {
        self.pool = JQWorkerPool(executable: executable, limits: limits)
    }

    deinit {
        self.pool.stop()
    }

    var limits: JQLimits { self.pool.limits }

    /// Idle workers, for tests.
    package var idleProcesses: [Int32] { self.pool.idleProcesses }

    /// How many workers have been lost.
    package var losses: Int { self.pool.losses }

    /// Reports every fault, from any thread.
    package func onFault(_ observe: (@Sendable (JQFault) -> Void)?) {
        self.observer.withLock { $0 = observe }
    }

    // MARK: Compiling

    /// Compiles a program, and has all workers know it.
    ///
    /// - Throws: the message of libjq's compiler, or the fate of the worker.
    func compile(_ program: JQProgramText) throws(ExpressionError) -> UInt32 {
        let number = self.pool.nextNumber()
        for attempt in 0... {
            var worker = try self.pool.take(keepsSpare: false)
            let complaints: [String]?
            do throws(JQWorker.Loss) {
                complaints = try self.pool.teach(&worker, number, program)
            } catch {
                self.pool.lost()
                if error.reason == .outside, attempt < Self.restarts.idle { continue }
                throw ExpressionError(
                    "compiling it \(self.message(error.reason, self.limits.compilation))", detail: Self.detail(error.reason))
            }
            self.pool.give(worker)
            if let complaints { throw JQMessages.error(from: complaints) }
            self.pool.add(number, program)
            return number
        }
        preconditionFailure("an endless loop ended")
    }

    func forget(_ number: UInt32) {
        self.pool.remove(number)
    }

    // MARK: Evaluating

    /// Evaluates in one worker, batch by batch; a batch that ends its worker costs only the expression at fault.
    ///
    /// Blocks the caller's thread within ``JQLimits/call``.
    package func evaluate(
        _ inputs: [ExpressionInput], _ requests: [ExpressionRequest]
    ) -> [Result<ExpressionValue, ExpressionError>?] {
        var run = Run(inputs: inputs, requests: requests)
        run.refuse(at: .now)
        var left = self.limits.call
        while let batch = run.nextBatch(), run.volume < Self.volumeLimit {
            if let left, left <= .zero {
                self.refuseRest(&run)
                break
            }
            var worker: JQWorker
            do throws(ExpressionError) { worker = try self.pool.take(keepsSpare: true) } catch {
                run.failRest(error)
                break
            }
            do throws(Interruption) {
                let answer = try self.exchange(batch, &worker, inputs, total: left)
                self.pool.give(worker)
                run.finish(batch, answer.results, bytes: answer.bytes)
                // Fewer results than requested, and short ones: their time was over.
                let isCutShort = answer.results.count < batch.count && answer.bytes < WorkerFrame.answerLimit
                left = left.map { isCutShort ? .zero : $0 - answer.time }
            } catch {
                self.pool.lost()
                self.handle(error, batch, &run)
                left = left.map { $0 - self.limits.time }
            }
        }
        return run.results
    }

    /// A worker was lost, and why.
    private struct Interruption: Error {
        let reason: JQWorker.Loss.Reason
        /// The place in the batch, where it is known.
        let item: Int?
        let limit: Duration
    }

    private func exchange(
        _ batch: [Run.Item], _ worker: inout JQWorker, _ inputs: [ExpressionInput], total: Duration?
    ) throws(Interruption) -> (results: [Result<ExpressionValue, ExpressionError>], bytes: Int, time: Duration) {
        let limits = self.limits
        var item: Int?
        var limit = limits.compilation
        do throws(JQWorker.Loss) {
            try self.pool.tidy(&worker)
            var variables: JQVariables = []
            for (place, entry) in batch.enumerated() {
                variables.formUnion(entry.expression.program.variables)
                item = place
                // It has compiled before.
                _ = try self.pool.teach(&worker, entry.expression.number, entry.expression.program)
            }
            item = nil
            limit = limits.time
            var places: [Int: Int] = [:]
            var used: [ExpressionInput] = []
            let items = batch.map { entry in
                let place = places[entry.input] ?? used.count
                if place == used.count {
                    places[entry.input] = place
                    used.append(inputs[entry.input])
                }
                return (entry.expression.number, place)
            }
            let frame = WorkerFrame.evaluate(
                used, variables, items, milliseconds: JQLimits.milliseconds(limits.time),
                total: total.map(JQLimits.milliseconds) ?? 0)
            let answer = try worker.ask(frame, patience: limits.patience(of: limits.time))
            guard let (results, time) = WorkerFrame.results(answer, of: batch.count) else { throw worker.refuse() }
            return (results, answer.readableBytes, time)
        } catch {
            throw Interruption(
                reason: error.reason, item: item ?? error.item.flatMap { $0 < batch.count ? $0 : nil }, limit: limit)
        }
    }

    private func handle(_ interruption: Interruption, _ batch: [Run.Item], _ run: inout Run) {
        if interruption.reason == .outside {
            if interruption.item == nil, run.restarts.idle < Self.restarts.idle {
                run.restarts.idle += 1
                return
            }
            if interruption.item != nil, run.restarts.busy < Self.restarts.busy {
                run.restarts.busy += 1
                return
            }
        }
        guard let place = interruption.item ?? (batch.count == 1 ? 0 : nil) else {
            // The next ones are tried one by one.
            run.batchLimit = 1
            return
        }
        let error = ExpressionError(
            "the evaluation \(self.message(interruption.reason, interruption.limit))", detail: Self.detail(interruption.reason))
        run.fail(batch[place], error)
        let reason =
            switch interruption.reason {
            case .time: "time"
            case .memory: "memory"
            case .crash, .outside: "crash"
            }
        self.note(batch[place].expression, error.message, reason, &run)
    }

    /// Fails the remaining items, because they would exceed the time of one call.
    private func refuseRest(_ run: inout Run) {
        let message = "the evaluations for these events took longer than \(self.limits.call ?? .zero) and were ended"
        // The one that was at work; others are innocent until they are.
        guard let expression = run.nextBatch()?.first?.expression else { return }
        self.note(expression, message, "time", &run)
        run.failRest(ExpressionError(message))
    }

    /// Counts a fault of an expression, and reports it.
    private func note(_ expression: JQExpression, _ message: String, _ reason: String, _ run: inout Run) {
        let now = ContinuousClock.now
        let isPaused = expression.fault(at: now)
        if isPaused { run.refuse(at: now) }
        let fault = JQFault(
            expression: String(expression.text.prefix(200)), message: message, reason: reason,
            pause: isPaused ? self.limits.pause : nil
        )
        self.observer.withLock { $0 }?(fault)
    }

    private func message(_ reason: JQWorker.Loss.Reason, _ limit: Duration) -> String {
        switch reason {
        case .time: "took longer than \(limit) and was ended"
        case .memory: "needed more than \(self.limits.memory >> 20) MiB of memory and was ended"
        case .crash: "crashed libjq"
        case .outside: "was ended from outside"
        }
    }

    /// The last words of a worker that crashed.
    private static func detail(_ reason: JQWorker.Loss.Reason) -> String? {
        if case .crash(let words) = reason { words } else { nil }
    }

    // MARK: One call

    /// The finished and the remaining items of one call.
    private struct Run {
        struct Item {
            let request: Int
            let expression: JQExpression
            let input: Int
        }

        private let inputs: [ExpressionInput]
        private(set) var results: [Result<ExpressionValue, ExpressionError>?]
        private var rest: [Item] = []
        /// The beginning of ``rest``.
        private var start = 0
        private(set) var volume = 0
        var batchLimit = WorkerFrame.itemLimit
        var restarts = (idle: 0, busy: 0)

        init(inputs: [ExpressionInput], requests: [ExpressionRequest]) {
            self.inputs = inputs
            self.results = Array(repeating: nil, count: requests.count)
            self.rest.reserveCapacity(requests.count)
            for (place, request) in requests.enumerated() {
                guard let expression = request.expression as? JQExpression else {
                    preconditionFailure("an expression of another evaluator")
                }
                self.rest.append(Item(request: place, expression: expression, input: request.input))
            }
        }

        /// Fails what must not be evaluated now.
        mutating func refuse(at now: ContinuousClock.Instant) {
            self.rest.removeSubrange(..<self.start)
            self.start = 0
            self.rest.removeAll { item in
                guard let error = item.expression.refusal(at: now) else { return false }
                self.results[item.request] = .failure(error)
                return true
            }
        }

        /// The next items for one exchange; `nil` when all is done.
        func nextBatch() -> [Item]? {
            guard self.start < self.rest.count else { return nil }
            var bytes = 0
            var end = self.start
            var last = -1
            while end < self.rest.count, end - self.start < self.batchLimit {
                let input = self.rest[end].input
                if input != last { bytes += self.inputs[input].json.readableBytes + self.inputs[input].raw.readableBytes }
                if bytes > WorkerFrame.inputLimit, end > self.start { break }
                last = input
                end += 1
            }
            return Array(self.rest[self.start..<end])
        }

        /// Stores the results of the first items of a batch.
        mutating func finish(_ batch: [Item], _ results: [Result<ExpressionValue, ExpressionError>], bytes: Int) {
            for (item, result) in zip(batch, results) { self.results[item.request] = result }
            self.start += results.count
            self.volume += bytes
        }

        mutating func fail(_ item: Item, _ error: ExpressionError) {
            self.results[item.request] = .failure(error)
            self.rest.removeAll { $0.request == item.request }
        }

        mutating func failRest(_ error: ExpressionError) {
            for item in self.rest[self.start...] { self.results[item.request] = .failure(error) }
        }
    }
}
