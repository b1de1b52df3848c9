/// A text, or a part of one, as a key that is equal only to the same bytes.
///
/// `String` compares by canonical equivalence: `é` as one scalar equals `e` with a combining accent. Brokers do not,
/// and topics, keys and expressions of peers that differ in their bytes are different.
package struct ExactText: Hashable, Sendable {
    /// The text as it was given.
    package let text: Substring

    /// Makes a key of a part of a text.
    package init(_ text: Substring) {
        self.text = text
    }

    /// Makes a key of a whole text.
    package init(_ text: String) {
        self.init(text[...])
    }

    /// Compares the UTF-8 bytes.
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

    /// Hashes the UTF-8 bytes.
    package func hash(into hasher: inout Hasher) {
        let isContiguous: Void? = self.text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil {
            Array(self.text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }
}

extension StringProtocol {
    /// Whether a combining mark follows one of the signs that separate the parts of a URL (RFC 3986 §2.2).
    ///
    /// Swift then sees one character, and does not find the sign; other programs do.
    package var hasCombinedDelimiter: Bool {
        self.contains { character in
            character.unicodeScalars.count > 1 && character.unicodeScalars.contains { ":/?#[]@,".unicodeScalars.contains($0) }
        }
    }
}
