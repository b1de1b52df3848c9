package import JSON
package import NIOCore

/// An event as the columns of a table: its JSON, and what cannot be read from that.
package struct EventColumns: Sendable {
    /// How deep an event's JSON may nest.
    ///
    /// A payload, as deep as any parser accepts, is one level deep in it; the rest is for events of other versions.
    package static let levels = 2 * JSONParser.levels

    /// The name of the source.
    package var source: String
    /// The subject of the event.
    package var subject: String
    /// The model's JSON.
    package var json: ByteBuffer
    /// The upstream body.
    package var raw: Raw
    /// A JSON array of pairs; `nil` for none.
    package var attributes: String?
    /// A JSON array of origin, hops and trace; `nil` for an event that this bridge accepted first.
    package var provenance: String?
    /// 0 for a message, 1 for a gap, 2 for a dead letter.
    package var kind: Int

    /// The upstream body, unless the JSON contains it.
    package enum Raw: Sendable {
        /// It is the `payload` of the JSON, byte for byte.
        case payload
        /// It is the JSON, byte for byte.
        case json
        case own(ByteBuffer)
    }

    /// Makes columns from their values, as a store reads them.
    package init(
        source: String, subject: String, json: ByteBuffer, raw: Raw, attributes: String?, provenance: String?, kind: Int
    ) {
        self.source = source
        self.subject = subject
        self.json = json
        self.raw = raw
        self.attributes = attributes
        self.provenance = provenance
        self.kind = kind
    }

    /// - Parameters:
    ///   - bridge: this bridge's name.
    ///   - attributes: the column of these attributes, if known; `nil` renders it.
    package init(_ event: Event, bridge: String, attributes known: String? = nil) {
        self.source = event.source
        self.subject = event.subject
        self.json = event.json
        self.raw = event.raw == event.json ? .json : event.raw == event.payload ? .payload : .own(event.raw)
        self.attributes = event.attributes.isEmpty ? nil : known ?? Self.text(event.attributes)
        self.provenance = Self.text(event.provenance, bridge)
        self.kind =
            switch event.kind {
            case .message: 0
            case .gap: 1
            case .deadLetter: 2
            }
    }

    /// The event from the columns.
    ///
    /// - Parameters:
    ///   - bridge: this bridge's name.
    ///   - parser: the caller's own, for ``levels`` levels.
    /// - Returns: `nil` when the columns are not those of an event.
    package func event(bridge: String, parser: JSONParser) -> Event? {
        var attributes = Attributes()
        if let text = self.attributes {
            guard let root = try? parser.parse(ByteBuffer(string: text)) else { return nil }
            root.forEachItem { pair in
                var texts: [String] = []
                pair.forEachItem { texts.append($0.string ?? "") }
                if texts.count == 2 { attributes.append(texts[0], texts[1]) }
            }
        }
        var provenance = Provenance(origin: bridge, hops: 1)
        if let text = self.provenance {
            guard let root = try? parser.parse(ByteBuffer(string: text)) else { return nil }
            var items: [String?] = []
            root.forEachItem { items.append($0.string) }
            guard items.count == 3 else { return nil }
            provenance = Provenance(origin: items[0], hops: items[1].flatMap { Int($0) } ?? 1, trace: items[2])
        }
        guard let root = try? parser.parse(self.json), let draft = NativeShape.draft(root, self.json), let id = root["id"]?.string
        else { return nil }
        let raw: ByteBuffer? =
            switch self.raw {
            case .payload: draft.payload
            case .json: self.json
            case .own(let bytes): bytes
            }
        let kind: Event.Kind = self.kind == 1 ? .gap : self.kind == 2 ? .deadLetter : .message
        return Event(
            id: id, title: draft.title, message: draft.message ?? "", priority: draft.priority, tags: draft.tags,
            timestamp: draft.timestamp ?? Timestamp(milliseconds: 0), payload: draft.payload, json: self.json,
            source: self.source, subject: self.subject, attributes: attributes,
            raw: raw ?? ByteBuffer(), kind: kind, provenance: provenance
        )
    }

    private static func text(_ attributes: Attributes) -> String {
        var json = ByteBuffer()
        for (index, element) in attributes.elements.enumerated() {
            json.writeString(index == 0 ? "[[" : ",[")
            JSONWriter.write(element.name, to: &json)
            json.writeString(",")
            JSONWriter.write(element.value, to: &json)
            json.writeString("]")
        }
        json.writeString("]")
        return String(buffer: json)
    }

    private static func text(_ provenance: Provenance, _ bridge: String) -> String? {
        guard provenance.hops != 1 || provenance.trace != nil || provenance.origin != bridge else { return nil }
        var json = ByteBuffer()
        func write(_ text: String?) {
            if let text { JSONWriter.write(text, to: &json) } else { json.writeString("null") }
        }
        json.writeString("[")
        write(provenance.origin)
        json.writeString(",\"\(provenance.hops)\",")
        write(provenance.trace)
        json.writeString("]")
        return String(buffer: json)
    }
}
