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
        kind: Kind = .message, provenance: Provenance = Provenance(), limits: EventLimits, rendered: ByteBuffer? = nil
    ) {
        if let rendered {
            self.init(
                id: id, title: title, message: message, priority: priority, tags: tags, timestamp: timestamp, payload: payload,
                json: rendered, source: source, subject: subject, attributes: attributes, raw: raw, kind: kind,
                provenance: provenance
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
        let bodies = Self.shared(payload: payload, raw: raw, in: json)
        self.init(
            id: id, title: title, message: message, priority: priority, tags: tags, timestamp: timestamp, payload: bodies.payload,
            // Kept once when both have equal bytes.
            json: json == raw ? raw : json,
            source: source, subject: subject, attributes: attributes, raw: bodies.raw, kind: kind, provenance: provenance
        )
    }

    /// A payload of this size or more is stored once, as a part of the event's JSON, and so is an equal body.
    private static let sharedFrom = 2048

    /// The payload and the upstream body as parts of the JSON that has their bytes already.
    private static func shared(payload: ByteBuffer?, raw: ByteBuffer, in json: ByteBuffer) -> (
        payload: ByteBuffer?, raw: ByteBuffer
    ) {
        guard let payload, payload.readableBytes >= Self.sharedFrom,
            // The payload is the last member.
            let part = json.getSlice(at: json.writerIndex - 1 - payload.readableBytes, length: payload.readableBytes)
        else { return (payload, raw) }
        return (part, raw == payload ? part : raw)
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
