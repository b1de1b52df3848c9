/// A name of levels with `/` between them, such as an MQTT topic or the name of a stream.
///
/// Its template limits the content of an event to the event's own levels.
package struct LevelTemplate: Sendable {
    /// The template of the name.
    package let template: Template
    /// Whether `/` may come from an event.
    package let keepsSlashes: Bool
    private let reserved: Set<Unicode.Scalar>

    /// - Parameter reserved: characters that an event's content must not add, besides wildcards and control characters.
    package init(template: Template, keepsSlashes: Bool, reserving reserved: Set<Unicode.Scalar> = []) {
        self.template = template
        self.keepsSlashes = keepsSlashes
        self.reserved = reserved
    }

    /// Whether an event chooses the beginning of the name, and with it any name.
    package var isFree: Bool { self.template.constant == nil && self.template.staticPrefix.isEmpty }

    /// Whether some event may make this very name of the template.
    package func canRender(_ name: String) -> Bool {
        guard name.utf8.starts(with: self.template.staticPrefix.utf8) else { return false }
        var rest: [ArraySlice<UInt8>] = [Array(name.utf8)[...]]
        for piece in self.template.pieces {
            if let literal = piece.literal {
                rest = rest.filter { $0.starts(with: literal.utf8) }.map { $0.dropFirst(literal.utf8.count) }
            } else {
                // All possible remainders after a value of the event; the longest one stands for the others.
                guard let longest = rest.max(by: { $0.count < $1.count }) else { return false }
                let taken = self.keepsSlashes ? longest.endIndex : longest.firstIndex(of: UInt8(ascii: "/")) ?? longest.endIndex
                rest = (longest.startIndex..<taken).map { longest[($0 + 1)...] }
            }
        }
        return rest.contains { $0.isEmpty }
    }

    /// The name for the event that the reader holds.
    ///
    /// A name that begins with `$` belongs to the server (MQTT 5 §4.7.2); an event that chooses one gets `_` in place of it.
    ///
    /// - Throws: ``ExpressionError``, also for a missing value.
    package func render(_ reader: EventReader) throws -> String {
        let name = try self.template.renderAddress(reader, escape: self.escaped)
        guard self.isFree, name.utf8.first == UInt8(ascii: "$") else { return name }
        return "_" + String(name.unicodeScalars.dropFirst())
    }

    /// Replaces by `_` what would change the shape of a name: wildcards, what is reserved, control characters, non-characters, and `/` unless it
    /// is kept.
    package func escaped(_ text: String) -> String {
        guard !text.unicodeScalars.allSatisfy(self.isPlain) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(self.isPlain(scalar) ? scalar : "_") }
        return String(result)
    }

    private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "+", "#": false
        case "/": self.keepsSlashes
        default: scalar.isHarmless && !self.reserved.contains(scalar)
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is no control character and no non-character: what MQTT 5 §1.5.4 lets a broker refuse.
    package var isHarmless: Bool {
        switch self {
        case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": false
        default: !self.properties.isNoncharacterCodePoint
        }
    }
}
