/// One operator on a number.
enum NumberTest: Sendable, Equatable {
    case equal(Double)
    case notEqual(Double)
    case greater(Double)
    case greaterOrEqual(Double)
    case less(Double)
    case lessOrEqual(Double)
    /// Inclusive at both ends.
    case between(ClosedRange<Double>)
    case oneOf([Double])

    /// The operators in the file.
    enum Operator: String, CaseIterable, Sendable {
        case eq, ne, gt, gte, lt, lte, between
    }

    /// - Parameter name: not `between`, which takes two numbers.
    init(_ name: Operator, _ operand: Double) {
        switch name {
        case .eq: self = .equal(operand)
        case .ne: self = .notEqual(operand)
        case .gt: self = .greater(operand)
        case .gte: self = .greaterOrEqual(operand)
        case .lt: self = .less(operand)
        case .lte: self = .lessOrEqual(operand)
        case .between: self = .between(operand...operand)
        }
    }

    func holds(_ number: Double) -> Bool {
        switch self {
        case .equal(let operand): number == operand
        case .notEqual(let operand): number != operand
        case .greater(let operand): number > operand
        case .greaterOrEqual(let operand): number >= operand
        case .less(let operand): number < operand
        case .lessOrEqual(let operand): number <= operand
        case .between(let range): range.contains(number)
        case .oneOf(let operands): operands.contains(number)
        }
    }
}
