import BridgeCore

/// A language whose every expression fails.
struct FailingCompiler: ExpressionCompiler {
    func compile(_ text: String) throws -> any Expression { Failing() }

    struct Failing: Expression {
        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue { throw ExpressionError("it failed") }
    }
}
