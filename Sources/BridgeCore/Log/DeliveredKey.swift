/// A key of `dedupe:` whose event has been delivered to a sink.
package struct DeliveredKey: Sendable, Equatable {
    package var sink: String
    package var key: String
    /// Until then events of the same key are not delivered to the sink.
    package var expires: Timestamp

    package init(sink: String, key: String, expires: Timestamp) {
        self.sink = sink
        self.key = key
        self.expires = expires
    }
}
