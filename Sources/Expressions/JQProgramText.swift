import BridgeCore

/// The program that libjq compiles for one expression: the user's text after a prefix on the same line, so that libjq's
/// line numbers are the user's.
///
/// Nothing follows the user's text and no parenthesis encloses it, so a comment at its end does no harm and `1) | (2` stays the
/// syntax error it is.
struct JQProgramText: Sendable {
    /// The text for libjq.
    let program: String
    /// The variables that the text may mention; the others are neither bound nor made.
    let variables: JQVariables

    /// Functions that would reach outside the event, print, or end the program.
    static let refusedFunctions: [(name: String, parameters: String)] = [
        ("env", ""), ("input", ""), ("_input", ""), ("inputs", ""), ("debug", ""), ("stderr", ""), ("halt", ""),
        ("halt_error", ""),
        ("halt_error", "(code)"), ("input_filename", ""), ("input_line_number", ""), ("modulemeta", ""), ("get_search_list", ""),
    ]
    /// A variable that is never bound: the body of a refused function.
    ///
    /// libjq drops functions that are not used and then does not
    /// complain of their bodies.
    static let refusal = "$__not_available__"

    /// - Throws: ``ExpressionError`` for texts that no compiler needs to see.
    init(_ text: String) throws(ExpressionError) {
        guard text.utf8.contains(where: { !Self.isSpace($0) }) else { throw ExpressionError("the expression is empty") }
        guard !text.utf8.contains(0) else { throw ExpressionError("an expression cannot contain a NUL character") }
        if let line = Self.lineMentioningEnvironment(text) {
            throw ExpressionError(
                "$ENV is not available in expressions; write ${env:NAME} in the file where a setting needs it", line: line
            )
        }
        self.variables = JQVariables(mentionedIn: text)
        var program = ""
        for function in Self.refusedFunctions where text.contains(function.name) {
            program += "def \(function.name)\(function.parameters): \(Self.refusal)\(function.name); "
        }
        program += ". as [$__event__"
        for (name, variable) in JQVariables.names where self.variables.contains(variable) { program += ", $\(name)" }
        program += "] | {} as $ENV | $__event__ | "
        self.program = program + text
    }

    /// The line of the first `$ENV`, from 1; white space may be in between, and an occurrence within a string counts
    /// too.
    private static func lineMentioningEnvironment(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        let name = Array("ENV".utf8)
        var line = 1
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { line += 1 }
            guard byte == UInt8(ascii: "$") else { continue }
            let rest = bytes[(index + 1)...].drop(while: Self.isSpace)
            guard rest.starts(with: name) else { continue }
            guard let next = rest.dropFirst(name.count).first else { return line }
            let continues = next == UInt8(ascii: "_") || next.isASCIIAlphanumeric
            if !continues { return line }
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}

extension UInt8 {
    fileprivate var isASCIIAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
