import JSON
import NIOCore

/// Why an event could not be delivered, and how that becomes an event of its own for the dead-letter sink.
struct DeadLetter {
    /// One sentence without a final stop.
    let reason: String
    /// The sink that gave up; empty when no route took the event.
    let sink: String
    /// As it is called, or as a log on disk names it.
    let route: String
    /// How often it was offered.
    let attempts: Int

    /// The event that the dead-letter sink gets: the id, source, subject and bodies of the original, with the whole original and the
    /// reason in its payload.
    func event(of original: Event) -> Event {
        var payload = ByteBuffer(string: "{")
        self.writeMembers(about: original, to: &payload)
        payload.writeString("}")
        return Event(
            id: original.id, title: "Undelivered: \(original.title ?? original.subject)", message: self.reason,
            priority: original.priority, tags: ["dead-letter"], timestamp: original.timestamp, payload: payload,
            source: original.source, subject: original.subject, attributes: original.attributes, raw: original.raw,
            kind: .deadLetter, passage: original.passage, limits: EventLimits()
        )
    }

    /// Writes the members of its JSON, the whole original among them.
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
