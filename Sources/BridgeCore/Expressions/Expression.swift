package import NIOCore

/// Compiles the text of an expression.
///
/// The core knows no language; the program brings one (jq).
package protocol ExpressionCompiler: Sendable {
    /// Compiles: once while the file is read, and again for each text that a subscriber of a stream brings.
    ///
    /// - Throws: ``ExpressionError`` with what the language's own compiler says.
    func compile(_ text: String) throws -> any Expression

    /// Compiles an expression whose result is only asked for its truth; refuses what compiles and cannot be meant as a condition.
    ///
    /// - Throws: ``ExpressionError`` as ``compile(_:)`` does.
    func compileCondition(_ text: String) throws -> any Expression

    /// Compiles what clients bring, so that whatever their expressions do cannot disturb those of the file.
    var forClients: any ExpressionCompiler { get }
}

extension ExpressionCompiler {
    package func compileCondition(_ text: String) throws -> any Expression { try self.compile(text) }
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
    /// - Throws: ``ExpressionError``. Callers count it and take it as no match or as empty text.
    func evaluate(_ input: ExpressionInput) throws -> ExpressionValue

    /// Who evaluates it, for callers that have more to evaluate; `nil` when nothing is gained by that.
    var evaluator: (any ExpressionEvaluator)? { get }

    /// Tells it from the other expressions of its evaluator; `nil` without one.
    var identity: ObjectIdentifier? { get }
}

extension Expression {
    package var evaluator: (any ExpressionEvaluator)? { nil }
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
    /// - Returns: the result of each request, in order; `nil` for those that it left out because the results take much memory already.
    func evaluate(_ inputs: [ExpressionInput], _ requests: [ExpressionRequest]) -> [Result<ExpressionValue, ExpressionError>?]
}

/// One expression to be evaluated for one of some inputs.
package struct ExpressionRequest: Sendable {
    package let expression: any Expression
    /// The place of the input.
    package let input: Int

    package init(expression: any Expression, input: Int) {
        self.expression = expression
        self.input = input
    }
}

/// What an expression sees: `.` is the event's JSON, the rest are variables.
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

    /// As text in a template: strings as they are, `null` and no result as nothing, whole numbers without a fraction.
    package var text: String {
        switch self {
        case .none, .null: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) <= 0x1p53 ? String(Int64(value)) : String(value)
        case .string(let value), .json(let value): value
        }
    }
}

/// What is wrong with an expression, or with one evaluation of it.
package struct ExpressionError: Error, CustomStringConvertible {
    package let message: String
    /// The line within the expression's text, from 1, where the compiler knows it.
    package let line: Int?

    package init(_ message: String, line: Int? = nil) {
        self.message = message
        self.line = line
    }

    /// Any error as one.
    init(wrapping error: any Error) {
        self = error as? ExpressionError ?? ExpressionError("\(error)")
    }

    package var description: String { self.message }
}

extension CodingUserInfoKey {
    /// Where decoders find the ``ExpressionCompiler``; templates need it.
    package static let expressionCompiler = CodingUserInfoKey(rawValue: "streambridge.expressionCompiler")!
}
