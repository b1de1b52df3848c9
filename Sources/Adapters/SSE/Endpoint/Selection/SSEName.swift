import BridgeCore

/// The names of streams: what stands in a path, and what an event may make of it.
enum SSEName {
    /// Bytes at most.
    static let limit = 200

    /// A name that a template yielded.
    ///
    /// - Throws: ``SSEComplaint`` for an empty or too long one.
    static func name(_ text: String) throws(SSEComplaint) -> String {
        guard !text.isEmpty, text.utf8.count <= Self.limit else {
            throw SSEComplaint("'\(text.prefix(64))' is no stream name; 1 to \(Self.limit) bytes are")
        }
        return text
    }

    /// What an event's content may put into a name: nothing that divides a list, is a wildcard, or controls a terminal.
    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: Self.isReserved) else { return text }
        return String(decoding: text.utf8.map { Self.isReserved($0) ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    /// What a client asks for: a name or, with `+` or `#` as a whole level, an MQTT filter over names (MQTT 3.1.1 §4.7).
    static func pattern(_ text: String) throws(SSEComplaint) -> SubjectPattern {
        guard text.utf8.count <= Self.limit, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw SSEComplaint("'\(text.prefix(64))' is no stream name")
        }
        do {
            return try SubjectPattern(name: text)
        } catch {
            throw SSEComplaint("'\(text)' is no stream name: \(error.message)")
        }
    }

    private static func isReserved(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#")
    }
}
