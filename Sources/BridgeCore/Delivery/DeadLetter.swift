import JSON
import NIOCore

/// Why an event could not be delivered; makes the event for the dead-letter sink.
struct DeadLetter {
    /// One sentence without a final stop.
    let reason: String
    /// The sink that abandoned it; empty when no route matched the event.
    let sink: String
    /// The route's name, or its identity in a log on disk.
    let route: String
    /// The number of attempts.
    let attempts: Int

    /// The event for the dead-letter sink: the id, source, subject and bodies of the original, with the whole original
    /// and the reason in its payload.
    func event(of original: Event) -> Event {
        var payload = ByteBuffer(string: "{")
        self.writeMembers(about: original, to: &payload)
        payload.writeString("}")
        return Event(
            id: original.id, title: "Undelivered: \(original.title ?? original.subject)", message: self.reason,
            priority: original.priority, tags: ["dead-letter"], timestamp: original.timestamp, payload: payload,
            source: original.source, subject: original.subject, attributes: original.attributes, raw: original.raw,
            kind: .deadLetter, provenance: original.provenance, limits: EventLimits()
        )
    }

    /// Writes the members of its JSON, including the whole original.
    func writeMembers(about original: Event, to json: inout ByteBuffer) {
        json.writeString("\"reason\":")
        JSONWriter.write(self.reason, to: &json)
        json.writeString(",\"sink\":")
        JSONWriter.write(self.sink, to: &json)
        json.writeString(",\"route\":")
        JSONWriter.write(StoredRoute(text: self.route).name, to: &json)
        json.writeString(",\"source\":")
        JSONWriter.write(original.source, to: &json)
        json.writeString(",\"subject\":")
        JSONWriter.write(original.subject, to: &json)
        json.writeString(",\"attempts\":\(self.attempts),\"event\":")
        json.writeImmutableBuffer(original.json)
    }
}
