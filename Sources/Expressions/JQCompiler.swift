package import BridgeCore
import Synchronization

/// Compiles jq (the language of jq 1.6) through libjq.
///
/// Compiling takes about 20 ms, most of it libjq binding its own library anew, so equal texts share one program while it is in use and
/// a little longer. Thread-safe.
///
/// What reaches outside the event is refused: `env` and `$ENV` (they hold secrets), `input`, `debug`, `stderr`, `halt`, modules.
/// Functions by which an event could end the program are replaced, see ``JQGuards``. libjq itself loads `$HOME/.jq` if there is one;
/// what that file defines can be used, and is the operator's own.
package final class JQCompiler: ExpressionCompiler {
    private let watchdog: JQWatchdog
    private let cache = Mutex(JQCache())

    /// - Parameter limit: how long one evaluation may take, to about a quarter; then it fails. libjq looks for the order to stop
    ///   between two steps of the program, so one long step (a regular expression up to its own limit) ends
    ///   first; ``JQGuards`` keeps others short.
    package init(limit: Duration = .milliseconds(400)) {
        self.watchdog = JQWatchdog(limit: limit)
    }

    package func compile(_ text: String) throws -> any Expression {
        if let known = self.cache.withLock({ $0.find(text) }) { return known }
        let expression = try JQExpression(text, watchdog: self.watchdog)
        self.cache.withLock { $0.add(expression, for: text) }
        return expression
    }

    /// How many texts are remembered.
    package var remembered: Int { self.cache.withLock { $0.count } }
}
