/// A dead letter whose event cannot be read any more: what is still known of it.
package struct UnreadableLetter: Sendable, Equatable {
    package var id: Int64
    /// When the sink gave it up.
    package var time: Timestamp
    /// See ``StoredLetter/sink``.
    package var sink: String
    package var reason: String
    package var attempts: Int
    package var subject: String

    package init(id: Int64, time: Timestamp, sink: String, reason: String, attempts: Int, subject: String) {
        self.id = id
        self.time = time
        self.sink = sink
        self.reason = reason
        self.attempts = attempts
        self.subject = subject
    }
}
