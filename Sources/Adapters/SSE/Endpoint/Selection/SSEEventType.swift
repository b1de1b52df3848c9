import BridgeCore

/// The rules for `event:` lines that a sink's template renders.
enum SSEEventType {
    /// The longest type, in bytes; a longer one is cut.
    static let limit = 128
    /// Types of control events, and those with which `EventSource` reports its own state.
    ///
    /// A client could not distinguish an event of such a type from these.
    static let reserved: Set<String> = ["cursor", "gap", "snapshot", "open", "error"]

    /// The type for a rendered text; `nil` for an empty one, which leaves the line out.
    ///
    /// Control characters and line ends of any reader become `_`, and a reserved type gets a `_` at its end.
    static func type(_ text: String) -> String? {
        guard !text.isEmpty else { return nil }
        var type = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars {
            let isUnsafe = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
            let safe: Unicode.Scalar = isUnsafe ? "_" : scalar
            size += UTF8.width(safe)
            guard size <= Self.limit else { break }
            type.append(safe)
        }
        let result = String(type)
        return Self.reserved.contains(result) ? result + "_" : result
    }

    /// The mistake in a constant text; `nil` for one that is sent unchanged.
    static func complaint(_ text: String) -> String? {
        if Self.reserved.contains(text) {
            return "'\(text)' is a type of control events; write another, such as \(text)-event"
        }
        guard text.utf8.count <= Self.limit else {
            return "is \(text.utf8.count) bytes long; an event type has at most \(Self.limit)"
        }
        guard Self.type(text) == text || text.isEmpty else {
            return "'\(SafeText.sentence(text))' is not an event type; it has a line break or another control character"
        }
        return nil
    }
}
