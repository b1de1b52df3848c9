/// One operator on a text.
///
/// Case does not matter.
enum TextTest: Sendable {
    case equals(FoldedText)
    /// Any of several texts; a list in the file.
    case oneOf([FoldedText])
    case notEquals(FoldedText)
    case contains(TextSearch)
    case notContains(TextSearch)
    case startsWith(FoldedText)
    case regex(RegularExpression)

    /// The operators in the file.
    enum Operator: String, CaseIterable, Sendable {
        case equals, notEquals = "not_equals", contains, notContains = "not_contains", startsWith = "starts_with", regex
    }

    /// - Throws: ``SettingError`` for a regular expression that does not compile.
    init(_ name: Operator, _ operand: String) throws(SettingError) {
        switch name {
        case .equals: self = .equals(FoldedText(operand))
        case .notEquals: self = .notEquals(FoldedText(operand))
        case .contains: self = .contains(TextSearch(FoldedText(operand)))
        case .notContains: self = .notContains(TextSearch(FoldedText(operand)))
        case .startsWith: self = .startsWith(FoldedText(operand))
        case .regex: self = .regex(try RegularExpression(operand))
        }
    }

    /// - Parameter folded: see ``FoldedText/withFolded(_:_:)``.
    func holds(_ folded: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .equals(let text): text.equals(folded)
        case .oneOf(let texts): texts.contains { $0.equals(folded) }
        case .notEquals(let text): !text.equals(folded)
        case .contains(let text): text.isContained(in: folded)
        case .notContains(let text): !text.isContained(in: folded)
        case .startsWith(let text): text.begins(folded)
        case .regex(let expression): expression.matches(folded)
        }
    }
}
