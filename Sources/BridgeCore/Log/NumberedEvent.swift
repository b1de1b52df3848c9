/// An event that a sink has published under a number.
package struct NumberedEvent: Sendable {
    package var event: Event
    package var sequence: UInt64
    /// When it was accepted.
    package var accepted: Timestamp

    package init(event: Event, sequence: UInt64, accepted: Timestamp) {
        self.event = event
        self.sequence = sequence
        self.accepted = accepted
    }
}
