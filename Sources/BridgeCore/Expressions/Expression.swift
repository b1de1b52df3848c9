package import NIOCore

/// Compiles the text of an expression.
///
/// The core knows no expression language; the program provides one (jq).
package protocol ExpressionCompiler: Sendable {
    /// Compiles an expression: once while the file is read, and again for each text of a subscriber of a stream.
    ///
    /// - Throws: ``ExpressionError`` with the message of the language's compiler.
    func compile(_ text: String) throws -> any Expression

    /// Compiles an expression whose result is only used as a condition; also refuses valid expressions that cannot be
    /// meant as one.
    ///
    /// - Throws: ``ExpressionError`` as ``compile(_:)`` does.
    func compileCondition(_ text: String) throws -> any Expression

    /// A compiler for the expressions of clients, which cannot disturb those of the file.
    var forClients: any ExpressionCompiler { get }
}

extension ExpressionCompiler {
    /// Compiles like any other expression; for languages that cannot recognise a condition.
    package func compileCondition(_ text: String) throws -> any Expression { try self.compile(text) }
    /// The compiler itself; for languages whose expressions cannot disturb each other.
    package var forClients: any ExpressionCompiler { self }
}

/// One compiled expression.
///
/// Thread-safe; may be evaluated from several threads, one at a time.
package protocol Expression: Sendable {
    /// Evaluates for one event.
    ///
    /// Blocks while it does, within the limits that its language sets.
    ///
    /// - Throws: ``ExpressionError``. Callers count it and treat it as no match or as empty text.
    func evaluate(_ input: ExpressionInput) throws -> ExpressionValue

    /// The expression as written; empty where it is not known.
    var text: String { get }

    /// The evaluator, for callers with several expressions; `nil` if a batch has no advantage.
    var evaluator: (any ExpressionEvaluator)? { get }

    /// Identifies the expression within its evaluator; `nil` without one.
    var identity: ObjectIdentifier? { get }
}

extension Expression {
    /// Defaults to none.
    package var text: String { "" }
    /// Defaults to none.
    package var evaluator: (any ExpressionEvaluator)? { nil }
    /// Defaults to none.
    package var identity: ObjectIdentifier? { nil }
}

/// Evaluates many expressions in one go, which costs much less than one by one.
///
/// Thread-safe.
package protocol ExpressionEvaluator: AnyObject, Sendable {
    /// Evaluates some of its expressions; one that fails does not touch the others.
    ///
    /// - Parameters:
    ///   - inputs: the events.
    ///   - requests: cheapest when those for one input follow each other.
    /// - Returns: the result of each request, in order; `nil` for requests that it left out because the results already
    ///   take much memory.
    func evaluate(_ inputs: [ExpressionInput], _ requests: [ExpressionRequest]) -> [Result<ExpressionValue, ExpressionError>?]
}

/// One expression to be evaluated for one of some inputs.
package struct ExpressionRequest: Sendable {
    /// The expression, one of the evaluator's own.
    package let expression: any Expression
    /// The place of the input.
    package let input: Int

    /// Makes a request.
    package init(expression: any Expression, input: Int) {
        self.expression = expression
        self.input = input
    }
}

/// The input of an expression: `.` is the event's JSON, the rest are variables.
package struct ExpressionInput: Sendable {
    /// `.`, the event's JSON.
    package var json: ByteBuffer
    /// `$source`, the source's name.
    package var source: String
    /// `$subject`; `$segments` is this, split at `/`.
    package var subject: String
    /// `$attributes`, an object; of a repeated name the first value counts.
    package var attributes: Attributes
    /// `$raw`, the upstream body as text.
    package var raw: ByteBuffer
    /// `$now`, seconds since 1970 with fraction.
    package var now: Timestamp

    /// Makes the input for one event.
    package init(event: Event, now: Timestamp) {
        self.json = event.json
        self.source = event.source
        self.subject = event.subject
        self.attributes = event.attributes
        self.raw = event.raw
        self.now = now
    }
}

/// The first result of an expression.
package enum ExpressionValue: Sendable, Equatable {
    /// No result at all (`empty`).
    case none
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    /// An array or object, as compact JSON.
    case json(String)

    /// jq's notion of truth: all but `false`, `null` and no result.
    package var isTrue: Bool {
        switch self {
        case .none, .null, .bool(false): false
        case .bool(true), .number, .string, .json: true
        }
    }

    /// The text in a template: unchanged strings, nothing for `null` and no result, whole numbers without a fraction.
    package var text: String {
        switch self {
        case .none, .null: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) <= 0x1p53 ? String(Int64(value)) : String(value)
        case .string(let value), .json(let value): value
        }
    }
}

/// A mistake in an expression, or a failure of one evaluation.
package struct ExpressionError: Error, CustomStringConvertible {
    /// The mistake, as one sentence.
    package let message: String
    /// The message for a client that sent the expression, without details for the operator.
    package let messageForClient: String
    /// The line within the expression's text, from 1, where the compiler knows it.
    package let line: Int?
    /// Whether the message may quote the event, because the expression raised it, as `error(.)` does.
    package let quotesEvent: Bool

    /// - Parameters:
    ///   - detail: an addition to the message for the operator, such as the location in a library's source.
    ///   - quotesEvent: whether the message may quote the evaluated event.
    package init(_ message: String, detail: String? = nil, line: Int? = nil, quotesEvent: Bool = false) {
        self.message = detail.map { "\(message) (\($0))" } ?? message
        self.messageForClient = message
        self.line = line
        self.quotesEvent = quotesEvent
    }

    /// Any error as one.
    package init(wrapping error: any Error) {
        self = error as? ExpressionError ?? ExpressionError("\(error)", quotesEvent: true)
    }

    /// The message for logs that must not contain the event: without what the expression raised.
    package var messageWithoutEvent: String {
        self.quotesEvent ? "the expression raised an error for this event" : self.message
    }

    /// The message.
    package var description: String { self.message }
}

extension CodingUserInfoKey {
    /// Where decoders find the ``ExpressionCompiler``; templates need it.
    package static let expressionCompiler = CodingUserInfoKey(rawValue: "streambridge.expressionCompiler")!
}
