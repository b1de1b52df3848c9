package import BridgeCore
import Synchronization

/// Compiles jq (the language of libjq) in worker processes, which also evaluate it.
///
/// Compiling takes about 20 ms, mostly for libjq's own library, so equal texts share one program while it is in use and
/// a little longer. Thread-safe.
///
/// Functions that reach outside the event are refused while compiling: `env` and `$ENV`, `input`, `debug`, `stderr`,
/// `halt`, modules. A worker has no access to these anyway, see ``ExpressionWorker``.
package final class JQCompiler: ExpressionCompiler {
    /// Evaluates what this compiles.
    package let evaluator: JQEvaluator
    /// For expressions of clients: separate workers.
    private let client: JQCompiler?
    private let cache = Mutex(JQCache())

    /// No process is started before the first expression is compiled.
    ///
    /// - Parameter executable: the path of the program.
    package convenience init(
        executable: String = "/proc/self/exe", limits: JQLimits = .file, clientLimits: JQLimits = .client
    ) {
        self.init(
            evaluator: JQEvaluator(executable: executable, limits: limits),
            client: JQCompiler(evaluator: JQEvaluator(executable: executable, limits: clientLimits), client: nil)
        )
    }

    private init(evaluator: JQEvaluator, client: JQCompiler?) {
        self.evaluator = evaluator
        self.client = client
    }

    /// The compiler whose workers evaluate the expressions of clients only.
    package var forClients: any ExpressionCompiler { self.client ?? self }

    /// Compiles in a worker, or returns the program of an equal text that is still known.
    ///
    /// Blocks, for about 20 ms when the text is new.
    ///
    /// - Throws: ``ExpressionError`` with libjq's message, or when the limits of compilation are exceeded.
    package func compile(_ text: String) throws -> any Expression {
        if let known = self.cache.withLock({ $0.find(text) }) { return known }
        let expression = try self.translated(text)
        if self.evaluator.limits.tries { try expression.tryOut() }
        self.cache.withLock { $0.add(expression, for: text) }
        return expression
    }

    /// Compiles a condition; refuses texts such as `.a = 1`, which are true for every event.
    ///
    /// - Throws: ``ExpressionError``.
    package func compileCondition(_ text: String) throws -> any Expression {
        let expression = try self.compile(text)
        if let mistake = JQAdvice.mistakeInCondition(text) { throw ExpressionError(mistake) }
        return expression
    }

    /// Compiles; syntax of another language is refused with the jq equivalent.
    private func translated(_ text: String) throws(ExpressionError) -> JQExpression {
        do {
            return try JQExpression(text, workers: self.evaluator)
        } catch {
            guard let remedy = JQAdvice.remedy(for: text, message: error.message) else { throw error }
            throw ExpressionError("\(error.message); \(remedy)", line: error.line)
        }
    }

    /// How many texts are remembered.
    package var remembered: Int { self.cache.withLock { $0.count } }

    /// Reports faults of all expressions, including those of clients.
    ///
    /// - Parameter observe: gets the fault and whether the expression is a client's; called from any thread.
    package func onFault(_ observe: @escaping @Sendable (JQFault, Bool) -> Void) {
        self.evaluator.onFault { observe($0, false) }
        self.client?.evaluator.onFault { observe($0, true) }
    }
}
