package import BridgeCore
import Glibc
import Synchronization

/// A language for tests whose evaluator waits while its gate is closed, as one does whose workers are busy.
///
/// Thread-safe. `true` and `false` are themselves, `fail` fails, `upper` is the subject in capitals, and `odd` fails unless the subject is an odd number.
package final class GatedLanguage: ExpressionCompiler, ExpressionEvaluator {
    package final class Word: Expression {
        let text: String
        let language: GatedLanguage

        init(_ text: String, _ language: GatedLanguage) {
            self.text = text
            self.language = language
        }

        package var evaluator: (any ExpressionEvaluator)? { self.language }
        package var identity: ObjectIdentifier? { ObjectIdentifier(self) }

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

    package init() {}

    package func compile(_ text: String) throws -> any Expression {
        Word(text.split(separator: " ").joined(), self)
    }

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

    /// Lets no evaluation end until it is opened.
    package func close() { self.isOpen.withLock { $0 = false } }
    /// Lets evaluations end.
    package func open() { self.isOpen.withLock { $0 = true } }

    /// How many evaluations each exchange had.
    package var exchanges: [Int] { self.state.withLock { $0.exchanges } }
    /// The threads that have waited for it.
    package var threads: Set<UInt> { self.state.withLock { $0.threads } }
}
