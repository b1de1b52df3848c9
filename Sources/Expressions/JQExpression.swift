package import BridgeCore
import NIOCore
import Synchronization

/// One jq expression, which workers evaluate.
///
/// Only the first result counts. Numbers are IEEE doubles, as in jq 1.6; integers beyond 2^53 keep their digits where they are only passed
/// on, see ``JQExactNumbers``. An event's JSON may be nested 256 deep. Thread-safe.
package final class JQExpression: Expression {
    /// The expression as written.
    package let text: String
    let program: JQProgramText
    /// The program's number at the workers.
    let number: UInt32
    private let workers: JQEvaluator
    private let breaker: Mutex<JQBreaker>

    /// - Throws: ``ExpressionError`` with the line, where libjq knows it.
    init(_ text: String, workers: JQEvaluator) throws(ExpressionError) {
        self.text = text
        self.program = try JQProgramText(text)
        self.number = try workers.compile(self.program)
        self.workers = workers
        self.breaker = Mutex(JQBreaker(limits: workers.limits))
    }

    deinit {
        self.workers.forget(self.number)
    }

    /// The workers that evaluate it.
    package var evaluator: (any ExpressionEvaluator)? { self.workers }
    /// The object itself; equal texts share one object.
    package var identity: ObjectIdentifier? { ObjectIdentifier(self) }

    /// Evaluates for one event; blocks until a worker has answered.
    ///
    /// - Throws: ``ExpressionError``, also while the expression is paused because it ended workers.
    package func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
        let results = self.workers.evaluate([input], [ExpressionRequest(expression: self, input: 0)])
        guard let result = results[0] else { throw ExpressionError("the result is too long") }
        return try result.get()
    }

    /// Evaluates it for a plain event, so that what never ends for any event is found before it meets one.
    ///
    /// - Throws: ``ExpressionError`` when that put it out of use. Other failures are those of this event.
    func tryOut() throws(ExpressionError) {
        do {
            _ = try self.evaluate(Self.sample)
        } catch {
            guard self.refusal(at: .now) != nil else { return }
            throw error as? ExpressionError ?? ExpressionError("\(error)")
        }
    }

    private static let sample = ExpressionInput(
        event: Event(
            id: "msg_1", title: "A title", message: "An event é", priority: 3, tags: ["tag"],
            timestamp: Timestamp(milliseconds: 0),
            payload: nil, source: "source", subject: "a/b", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits()
        ),
        now: Timestamp(milliseconds: 0)
    )

    /// Why it is not evaluated now; `nil` when it may be.
    func refusal(at now: ContinuousClock.Instant) -> ExpressionError? {
        guard let remaining = self.breaker.withLock({ $0.remaining(at: now) }) else { return nil }
        let seconds = max(1, remaining.components.seconds + (remaining.components.attoseconds > 0 ? 1 : 0))
        return ExpressionError(
            "not evaluated: it failed to end in time, or ended its worker, too often; retried in \(seconds) s")
    }

    /// Notes an evaluation that ended its worker.
    ///
    /// - Returns: whether it is out of use from now on.
    func fault(at now: ContinuousClock.Instant) -> Bool {
        self.breaker.withLock { $0.fault(at: now) }
    }
}
