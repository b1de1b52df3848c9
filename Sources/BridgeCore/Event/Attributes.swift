/// Names and values that accompany an event: headers, user properties, protocol facts such as `qos`.
///
/// The order is kept and a name may occur more than once, as in MQTT 5 §3.3.2.3.7 and RFC 9110 §5.3. Sources use
/// lower-case names. A copy shares its storage, so a source with equal attributes for every message should reuse one
/// value.
package struct Attributes: Sendable, Equatable {
    /// One attribute.
    package typealias Element = (name: String, value: String)

    /// The attributes in order, repeated names included.
    package private(set) var elements: [Element]

    /// Makes attributes; none by default.
    package init(_ elements: [Element] = []) {
        self.elements = elements
    }

    /// Compares bytes in order; canonically equivalent texts are different.
    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.elements.sharesStorage(with: rhs.elements)
            || lhs.elements.count == rhs.elements.count
                && zip(lhs.elements, rhs.elements).allSatisfy { $0.name.hasBytes(of: $1.name) && $0.value.hasBytes(of: $1.value) }
    }

    /// Whether there are no attributes.
    package var isEmpty: Bool { self.elements.isEmpty }

    /// Bytes of memory that the attributes take up, roughly: those of names and values, and 32 for each attribute.
    var weight: Int { self.elements.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 } }

    /// The first value of a name, which is compared with its case; `nil` when there is none.
    package subscript(_ name: String) -> String? {
        self.elements.first { $0.name == name }?.value
    }

    /// Appends an attribute, keeping earlier ones of the same name.
    package mutating func append(_ name: String, _ value: String) {
        self.elements.append((name, value))
    }

    /// A copy with `change` applied to every value; the same storage when no value changes.
    func map(_ change: (String) -> String) -> Attributes {
        var result = self
        for (index, element) in self.elements.enumerated() {
            let value = change(element.value)
            if value != element.value { result.elements[index].value = value }
        }
        return result
    }
}
