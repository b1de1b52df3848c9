package import NIOCore

/// Compiles the text of an expression.
///
/// The core knows no language; the program brings one (jq).
package protocol ExpressionCompiler: Sendable {
    /// Compiles: once while the file is read, and again for each text that a subscriber of a stream brings.
    ///
    /// - Throws: ``ExpressionError`` with what the language's own compiler says.
    func compile(_ text: String) throws -> any Expression
}

/// One compiled expression.
///
/// Thread-safe; may be evaluated from several threads, one at a time.
package protocol Expression: Sendable {
    /// Evaluates for one event.
    ///
    /// - Throws: ``ExpressionError``. Callers count it and take it as no match or as empty text.
    func evaluate(_ input: ExpressionInput) throws -> ExpressionValue
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

    package var description: String { self.message }
}

extension CodingUserInfoKey {
    /// Where decoders find the ``ExpressionCompiler``; templates need it.
    package static let expressionCompiler = CodingUserInfoKey(rawValue: "streambridge.expressionCompiler")!
}
