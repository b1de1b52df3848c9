/// A text as a key that is equal only to the same bytes.
///
/// Swift's `String` holds `é` as one scalar equal to `e` with a combining accent. Topics, keys and expressions of peers that
/// differ in their bytes are different.
package struct ExactText: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (lhs: ExactText, rhs: ExactText) -> Bool {
        lhs.string.utf8.elementsEqual(rhs.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var string = self.string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
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
