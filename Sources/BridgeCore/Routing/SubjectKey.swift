/// A subject or a part of one as a dictionary's key.
///
/// Equal when the bytes are: `String` compares by canonical equivalence, which no broker does.
package struct SubjectKey: Hashable, Sendable {
    /// The text as it was given.
    package let text: Substring

    /// Of a whole subject or a part of it.
    package init(_ text: Substring) {
        self.text = text
    }

    package static func == (lhs: Self, rhs: Self) -> Bool {
        let left = lhs.text.utf8
        let right = rhs.text.utf8
        let fast = left.withContiguousStorageIfAvailable { left in
            right.withContiguousStorageIfAvailable { right in
                left.count == right.count && UnsafeRawBufferPointer(left).elementsEqual(UnsafeRawBufferPointer(right))
            }
        }
        return (fast ?? nil) ?? left.elementsEqual(right)
    }

    package func hash(into hasher: inout Hasher) {
        let isContiguous: Void? = self.text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil {
            Array(self.text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }
}
