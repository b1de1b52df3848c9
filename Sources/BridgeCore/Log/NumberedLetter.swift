/// A dead letter, or an event that comes again, that a sink has published under a number.
///
/// Its own place in the log is that of the event it is about, or none at all, so it is kept by itself and belongs to no ``NumberedRun``.
package struct NumberedLetter: Sendable {
    package var sink: String
    package var sequence: UInt64
    /// The place of the last event that the sink had numbered before: the letter is forgotten together with that.
    package var place: Position
    /// When it was published.
    package var time: Timestamp
    /// As the sink has published it.
    package var event: Event

    package init(sink: String, sequence: UInt64, place: Position, time: Timestamp, event: Event) {
        self.sink = sink
        self.sequence = sequence
        self.place = place
        self.time = time
        self.event = event
    }
}
