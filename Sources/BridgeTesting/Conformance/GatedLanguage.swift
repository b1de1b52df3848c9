package import BridgeCore
import Glibc
import Synchronization

/// An expression language whose evaluator blocks while its gate is closed, like one whose workers are busy.
///
/// Thread-safe. `true` and `false` evaluate to themselves, `fail` fails, and `upper` is the subject in capitals. `odd`
/// is true for a subject that is an odd number and fails for any other.
package final class GatedLanguage: ExpressionCompiler, ExpressionEvaluator {
    /// A compiled expression: one word of the language.
    package final class Word: Expression {
        /// The word.
        package let text: String
        let language: GatedLanguage

        init(_ text: String, _ language: GatedLanguage) {
            self.text = text
            self.language = language
        }

        /// The language itself.
        package var evaluator: (any ExpressionEvaluator)? { self.language }
        /// Its own identity: equal words are different expressions.
        package var identity: ObjectIdentifier? { ObjectIdentifier(self) }

        /// Evaluates the word alone; blocks while the gate is closed.
        ///
        /// - Throws: `ExpressionError` when the word fails.
        package func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
            guard let result = self.language.evaluate([input], [ExpressionRequest(expression: self, input: 0)])[0] else {
                throw ExpressionError("left out")
            }
            return try result.get()
        }

        func value(_ input: ExpressionInput) -> Result<ExpressionValue, ExpressionError> {
            switch self.text {
            case "true": .success(.bool(true))
            case "false": .success(.bool(false))
            case "upper": .success(.string(input.subject.uppercased()))
            case "odd":
                Int(input.subject).map { $0 % 2 == 1 } == true ? .success(.bool(true)) : .failure(ExpressionError("not odd"))
            default: .failure(ExpressionError("it failed"))
            }
        }
    }

    private let isOpen = Mutex(true)
    private let state = Mutex((exchanges: [Int](), threads: Set<UInt>()))

    /// Makes a language whose gate is open.
    package init() {}

    /// Compiles a text; spaces are removed, and an unknown word fails when it is evaluated.
    package func compile(_ text: String) throws -> any Expression {
        Word(text.split(separator: " ").joined(), self)
    }

    /// Evaluates a batch on the calling thread; blocks while the gate is closed.
    ///
    /// - Returns: one result per request; `nil` for an expression of another language.
    package func evaluate(
        _ inputs: [ExpressionInput], _ requests: [ExpressionRequest]
    ) -> [Result<ExpressionValue, ExpressionError>?] {
        self.state.withLock { state in
            state.exchanges.append(requests.count)
            state.threads.insert(UInt(pthread_self()))
        }
        while !self.isOpen.withLock({ $0 }) { sched_yield() }
        return requests.map { request in (request.expression as? Word)?.value(inputs[request.input]) }
    }

    /// Closes the gate: evaluations block until ``open()``.
    package func close() { self.isOpen.withLock { $0 = false } }
    /// Opens the gate.
    package func open() { self.isOpen.withLock { $0 = true } }

    /// The number of requests of each batch, in order.
    package var exchanges: [Int] { self.state.withLock { $0.exchanges } }
    /// The threads that have called the evaluator.
    package var threads: Set<UInt> { self.state.withLock { $0.threads } }
}
