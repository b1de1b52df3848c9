package import JSON

/// The value at a path of an event.
///
/// Valid until the reader loads another event.
package enum EventValue {
    /// Nothing, or JSON's `null`.
    case missing
    case text(String)
    case integer(Int)
    case number(Double)
    case list([String])
    case table(Attributes)
    case json(JSONElement)

    /// The text in a template: unchanged strings, nothing for missing values, whole numbers without a fraction, arrays
    /// and objects as compact JSON.
    package var text: String {
        switch self {
        case .missing: return ""
        case .text(let text): return text
        case .integer(let number): return String(number)
        case .number(let number): return ExpressionValue.number(number).text
        case .list(let list): return JSONText.array(list)
        case .table(let attributes): return JSONText.object(attributes)
        case .json(let element):
            if element.kind == .double, let number = element.double { return ExpressionValue.number(number).text }
            return element.text()
        }
    }

    /// The value as a number: JSON's numbers, and text that is a decimal number.
    package var number: Double? {
        switch self {
        case .missing, .list, .table: return nil
        case .text(let text): return Double(decimal: text)
        case .integer(let number): return Double(number)
        case .number(let number): return number
        case .json(let element):
            if let number = element.double { return number }
            return element.string.flatMap { Double(decimal: $0) }
        }
    }

    /// Whether the event has no such value.
    package var isMissing: Bool {
        if case .missing = self { true } else { false }
    }
}

extension Double {
    /// Reads `-12.5e3`; not `inf`, `nan`, hexadecimal, signs in front of nothing or white space.
    init?(decimal text: String) {
        guard let first = text.utf8.first, text.utf8.count <= 64,
            first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            text.utf8.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0)
            }),
            let value = Double(text), value.isFinite
        else { return nil }
        self = value
    }
}
