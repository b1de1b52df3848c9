package import BridgeCore
import Synchronization

/// Compiles jq (the language of libjq) in worker processes, which also evaluate it.
///
/// Compiling takes about 20 ms, most of it libjq binding its own library anew, so equal texts share one program while it is in use and
/// a little longer. Thread-safe.
///
/// What would reach outside the event is refused while compiling: `env` and `$ENV`, `input`, `debug`, `stderr`, `halt`, modules. A worker
/// has nothing of that anyway, see ``ExpressionWorker``.
package final class JQCompiler: ExpressionCompiler {
    /// Evaluates what this compiles.
    package let evaluator: JQEvaluator
    /// For expressions that clients bring: workers of their own.
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

    package var forClients: any ExpressionCompiler { self.client ?? self }

    package func compile(_ text: String) throws -> any Expression {
        if let known = self.cache.withLock({ $0.find(text) }) { return known }
        let expression = try self.translated(text)
        if self.evaluator.limits.tries { try expression.tryOut() }
        self.cache.withLock { $0.add(expression, for: text) }
        return expression
    }

    package func compileCondition(_ text: String) throws -> any Expression {
        let expression = try self.compile(text)
        if let mistake = JQAdvice.mistakeInCondition(text) { throw ExpressionError(mistake) }
        return expression
    }

    /// Compiles; what jq refuses and another language would take is refused with what jq writes.
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

    /// Has faults of all expressions reported, those of clients too.
    ///
    /// - Parameter observe: gets the fault and whether a client brought the expression; called from any thread.
    package func onFault(_ observe: @escaping @Sendable (JQFault, Bool) -> Void) {
        self.evaluator.onFault { observe($0, false) }
        self.client?.evaluator.onFault { observe($0, true) }
    }
}
