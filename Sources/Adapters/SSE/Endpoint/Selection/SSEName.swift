import BridgeCore

/// The rules for stream names: which are valid in a path, and what an event may contribute.
enum SSEName {
    /// The longest name, in bytes.
    static let limit = 200

    /// Checks a name that a template has rendered.
    ///
    /// - Throws: ``SSERequestError`` for an empty or too long one.
    static func name(_ text: String) throws(SSERequestError) -> String {
        guard !text.isEmpty, text.utf8.count <= Self.limit else {
            throw SSERequestError("'\(text.prefix(64))' is not a stream name; a name has 1 to \(Self.limit) bytes")
        }
        return text
    }

    /// How a sink renders stream names: an event's content cannot add a list separator, a wildcard or, by default, a
    /// level.
    static func template(_ settings: SSESinkConfiguration) -> LevelTemplate {
        LevelTemplate(template: settings.stream, keepsSlashes: settings.keepsSlashes, reserving: [","])
    }

    /// Parses a requested name or, with `+` or `#` as a whole level, an MQTT filter over names (MQTT 3.1.1 §4.7).
    static func pattern(_ text: String) throws(SSERequestError) -> SubjectPattern {
        guard text.utf8.count <= Self.limit, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw SSERequestError("'\(text.prefix(64))' is not a stream name")
        }
        do {
            return try SubjectPattern(name: text)
        } catch {
            throw SSERequestError("'\(text)' is not a stream name: \(error.message)")
        }
    }
}
