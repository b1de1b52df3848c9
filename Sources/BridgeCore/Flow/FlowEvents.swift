import JSON
import NIOCore

/// Makes the events of the tools themselves: digests, absences and their ends.
struct FlowEvents: Sendable {
    /// This bridge's name; see ``Provenance/origin``.
    let bridge: String
    let limits: EventLimits

    func event(
        title: String, message: String, priority: Int?, tags: [String], payload: ByteBuffer, source: String, subject: String,
        now: Timestamp
    ) -> Event {
        Event(
            id: EventID.generate(), title: title, message: message, priority: priority, tags: tags, timestamp: now,
            payload: payload, source: source, subject: subject, attributes: Attributes(), raw: payload,
            provenance: Provenance(origin: self.bridge, hops: 1), limits: self.limits
        )
    }

    /// The event with another priority.
    func event(_ event: Event, priority: Int) -> Event {
        Event(
            id: event.id, title: event.title, message: event.message, priority: priority, tags: event.tags,
            timestamp: event.timestamp, payload: event.payload, source: event.source, subject: event.subject,
            attributes: event.attributes, raw: event.raw, kind: event.kind, provenance: event.provenance, limits: self.limits
        )
    }

    /// A JSON object of members in order; a member whose value is `nil` is left out.
    static func object(_ members: [(name: String, value: JSONText?)]) -> ByteBuffer {
        var json = ByteBuffer()
        json.writeString("{")
        var isFirst = true
        for case (let name, let value?) in members {
            if !isFirst { json.writeString(",") }
            isFirst = false
            JSONWriter.write(name, to: &json)
            json.writeString(":")
            value.write(to: &json)
        }
        json.writeString("}")
        return json
    }

    /// One value of such an object.
    enum JSONText {
        case text(String)
        case number(Int64)
        case flag(Bool)
        case texts([String])

        func write(to json: inout ByteBuffer) {
            switch self {
            case .text(let text): JSONWriter.write(text, to: &json)
            case .number(let number): json.writeString("\(number)")
            case .flag(let flag): json.writeString("\(flag)")
            case .texts(let texts):
                for (index, text) in texts.enumerated() {
                    json.writeString(index == 0 ? "[" : ",")
                    JSONWriter.write(text, to: &json)
                }
                json.writeString(texts.isEmpty ? "[]" : "]")
            }
        }
    }
}
