import BridgeCore

/// A value of JSON whose members keep their order, as schemas and reports of diagnostics are written.
package indirect enum JSONTree: Sendable {
    /// A mapping; the last of equal names counts for readers.
    case object([Member])
    /// A list.
    case array([JSONTree])
    /// A text.
    case text(String)
    /// A whole number.
    case integer(Int)
    /// A number.
    case number(Double)
    /// `true` or `false`.
    case flag(Bool)

    /// A name with its value.
    package struct Member: Sendable {
        let name: String
        let value: JSONTree
    }

    /// The JSON in lines, indented by two spaces; short lists of scalars are on one line.
    package var text: String {
        var text = ""
        self.write(to: &text, indentation: 0)
        return text
    }

    private func write(to text: inout String, indentation: Int) {
        func line(_ depth: Int) { text += "\n" + String(repeating: " ", count: depth) }
        switch self {
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                line(indentation + 2)
                text += "\(JSONText.string(member.name)): "
                member.value.write(to: &text, indentation: indentation + 2)
            }
            if !members.isEmpty { line(indentation) }
            text += "}"
        case .array(let items):
            let isShort = items.allSatisfy(\.isScalar)
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += isShort ? ", " : "," }
                if !isShort { line(indentation + 2) }
                item.write(to: &text, indentation: indentation + 2)
            }
            if !isShort { line(indentation) }
            text += "]"
        case .text(let value): text += JSONText.string(value)
        case .integer(let value): text += "\(value)"
        case .number(let value): text += value.setting
        case .flag(let value): text += "\(value)"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .object, .array: false
        default: true
        }
    }
}

extension JSONTree: ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Makes a text.
    package init(stringLiteral value: String) { self = .text(value) }
    /// Makes `true` or `false`.
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    /// Makes a whole number.
    package init(integerLiteral value: Int) { self = .integer(value) }
    /// Makes a list.
    package init(arrayLiteral elements: JSONTree...) { self = .array(elements) }
    /// Makes a mapping in the order of the literal.
    package init(dictionaryLiteral elements: (String, JSONTree)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }

    /// A list of texts.
    static func texts(_ texts: some Sequence<String>) -> JSONTree { .array(texts.map { .text($0) }) }

    /// A reference to a definition of the same schema.
    static func reference(to definition: String) -> JSONTree { ["$ref": "#/definitions/\(definition)"] }

    /// A copy with further members of a mapping; the value itself when it is none.
    func adding(_ more: [(String, JSONTree)]) -> JSONTree {
        guard case .object(let members) = self else { return self }
        return .object(members + more.map { Member(name: $0.0, value: $0.1) })
    }
}
