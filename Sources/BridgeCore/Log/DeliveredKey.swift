/// A key of `dedupe:` whose event has been delivered to a sink.
package struct DeliveredKey: Sendable, Equatable {
    /// The name of the sink.
    package var sink: String
    /// The text of the key; see ``DedupeKey/text``.
    package var key: String
    /// Until then events with the same key are not delivered to the sink.
    package var expires: Timestamp

    /// Makes a record of a delivered key.
    package init(sink: String, key: String, expires: Timestamp) {
        self.sink = sink
        self.key = key
        self.expires = expires
    }
}
