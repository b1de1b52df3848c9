/// Names and values that travel beside an event: headers, user properties, protocol facts such as `qos`.
///
/// Order is kept and a name may stand more than once, as in MQTT 5 §3.1.2.11.8 and RFC 9110 §5.3. Sources lower-case names.
/// A copy shares storage, so a source that makes the same attributes for every message should keep one value and reuse it.
package struct Attributes: Sendable, Equatable {
    package typealias Element = (name: String, value: String)

    package private(set) var elements: [Element]

    package init(_ elements: [Element] = []) {
        self.elements = elements
    }

    /// By bytes: names and values that only look alike are different.
    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.elements.sharesStorage(with: rhs.elements)
            || lhs.elements.count == rhs.elements.count
                && zip(lhs.elements, rhs.elements).allSatisfy { $0.name.hasBytes(of: $1.name) && $0.value.hasBytes(of: $1.value) }
    }

    package var isEmpty: Bool { self.elements.isEmpty }

    /// The first value of a name; names compare exactly.
    package subscript(_ name: String) -> String? {
        self.elements.first { $0.name == name }?.value
    }

    package mutating func append(_ name: String, _ value: String) {
        self.elements.append((name, value))
    }

    /// A copy with every value changed; the same storage when no value changes.
    func map(_ change: (String) -> String) -> Attributes {
        var result = self
        for (index, element) in self.elements.enumerated() {
            let value = change(element.value)
            if value != element.value { result.elements[index].value = value }
        }
        return result
    }
}
