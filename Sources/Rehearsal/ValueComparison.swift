import BridgeCore
import NIOCore

/// One value that differs from what is expected.
package struct ValueDifference: Sendable, Equatable {
    /// The members and items that lead to the value, such as `.body.topic`; empty for the whole.
    package let path: String
    /// The expected value.
    package let expected: String
    /// The actual value; `nil` when there is none.
    package let actual: String?
}

/// Compares values with what a test expects.
enum ValueComparison {
    /// More differences of one value are not listed.
    private static let limit = 20

    /// The differences; none when the value is as expected.
    ///
    /// A mapping compares the members that it names, and the others may be anything; `null` expects that there is none.
    /// Everything else is equal: lists in length and order, texts by bytes, numbers by value.
    static func differences(_ expected: PlainValue, _ actual: PlainValue?) -> [ValueDifference] {
        var found: [ValueDifference] = []
        self.compare(expected, actual, "", &found)
        return found
    }

    private static func compare(_ expected: PlainValue, _ actual: PlainValue?, _ path: String, _ found: inout [ValueDifference]) {
        guard found.count < self.limit else { return }
        let actual = actual.flatMap { value -> PlainValue? in if case .null = value { nil } else { value } }
        switch expected {
        case .object(let members):
            guard case .object? = actual?.read else { return self.differ(expected, actual?.read, path, &found) }
            for (name, value) in members {
                self.compare(value, self.member(name, of: actual), "\(path).\(name)", &found)
            }
        case .list(let items):
            guard case .list(let others)? = actual?.read, others.count == items.count else {
                return self.differ(expected, actual?.read, path, &found)
            }
            for (index, (item, other)) in zip(items, others).enumerated() {
                self.compare(item, other, "\(path)[\(index)]", &found)
            }
        case .null:
            if actual != nil { self.differ(expected, actual, path, &found) }
        default:
            if !self.isEqual(expected, actual) { self.differ(expected, actual, path, &found) }
        }
    }

    /// The names of headers have no case.
    private static func member(_ name: String, of value: PlainValue?) -> PlainValue? {
        guard case .object(let members)? = value?.read else { return nil }
        return members.first { $0.name == name }?.value ?? members.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    private static func isEqual(_ expected: PlainValue, _ actual: PlainValue?) -> Bool {
        switch (expected, actual) {
        case (.flag(let one), .flag(let other)?): return one == other
        case (.number(let one), .number(let other)?): return one == other || Double(one) == Double(other)
        case (.text(let text), let value?):
            return value.text.map { ExactTextComparison.isEqual($0, text) } ?? false
        // A body or a secret is a text, which a test may write as a number.
        case (.number(let text), .body?), (.number(let text), .secret?): return actual?.text == text
        case (.flag(let flag), .body?): return actual?.text == "\(flag)"
        default: return false
        }
    }

    private static func differ(
        _ expected: PlainValue, _ actual: PlainValue?, _ path: String, _ found: inout [ValueDifference]
    ) {
        found.append(
            ValueDifference(
                path: path, expected: String(buffer: expected.json), actual: actual.map { String(buffer: $0.json) }))
    }
}

/// Texts are equal when their bytes are, unlike for `String`.
private enum ExactTextComparison {
    static func isEqual(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
}
