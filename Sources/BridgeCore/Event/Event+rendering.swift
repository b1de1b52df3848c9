import JSON
package import NIOCore

extension Event {
    /// Makes an event from its parts; truncates those above the limits and renders ``json``.
    ///
    /// - Parameters:
    ///   - payload: valid JSON in UTF-8; included byte for byte, apart from line breaks.
    ///   - rendered: the JSON when it is known and nothing needs truncation; `limits` are then ignored.
    package convenience init(
        id: String, title: String?, message: String, priority: Int?, tags: [String], timestamp: Timestamp,
        payload: ByteBuffer?, source: String, subject: String, attributes: Attributes, raw: ByteBuffer,
        kind: Kind = .message, passage: Passage = Passage(), limits: EventLimits, rendered: ByteBuffer? = nil
    ) {
        if let rendered {
            self.init(
                id: id, title: title, message: message, priority: priority, tags: tags, timestamp: timestamp, payload: payload,
                json: rendered, source: source, subject: subject, attributes: attributes, raw: raw, kind: kind, passage: passage
            )
            return
        }
        let title = title?.cut(toUTF16: limits.title)
        let message = message.cut(toUTF16: limits.message)
        let payload = payload.map { JSONScanner.singleLine($0) }
        let json = EventJSON.render(
            id: id, title: title ?? limits.absentTitle, message: message, priority: priority, tags: tags, timestamp: timestamp,
            payload: payload
        )
        self.init(
            id: id, title: title, message: message, priority: priority, tags: tags, timestamp: timestamp, payload: payload,
            // Kept once when both have equal bytes.
            json: json == raw ? raw : json,
            source: source, subject: subject, attributes: attributes, raw: raw, kind: kind, passage: passage
        )
    }
}

extension String {
    /// The longest prefix of at most `limit` UTF-16 units that does not split a character.
    func cut(toUTF16 limit: Int) -> String {
        // A UTF-8 text never has more UTF-16 units than bytes.
        guard self.utf8.count > limit, self.utf16.count > limit else { return self }
        var units = 0
        var end = self.startIndex
        while end < self.endIndex {
            let next = self.index(after: end)
            units += self[end..<next].utf16.count
            guard units <= limit else { break }
            end = next
        }
        return String(self[..<end])
    }
}
