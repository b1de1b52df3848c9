/// What a log still knows of what a sink has published.
package struct SinkHistory: Sendable {
    /// In order of their numbers.
    package var events: [NumberedEvent]
    /// Some event with this number or a lower one is gone; 0 when none is.
    package var forgotten: UInt64
    /// Where there are rows that nobody can read; their numbers are forgotten.
    package var unreadable: [Position]

    /// Makes a history; an empty one by default.
    package init(events: [NumberedEvent] = [], forgotten: UInt64 = 0, unreadable: [Position] = []) {
        self.events = events
        self.forgotten = forgotten
        self.unreadable = unreadable
    }
}

/// An event that a sink has published under a number.
package struct NumberedEvent: Sendable {
    /// The event as it was published.
    package var event: Event
    /// The number that the sink gave it.
    package var sequence: UInt64
    /// When it was accepted.
    package var accepted: Timestamp

    /// Makes a numbered event.
    package init(event: Event, sequence: UInt64, accepted: Timestamp) {
        self.event = event
        self.sequence = sequence
        self.accepted = accepted
    }
}

/// Consecutive deliveries of a sink that numbers what it has published.
package struct NumberedRun: Sendable, Equatable {
    /// The name of the sink.
    package var sink: String
    /// The position of the first delivery.
    package var first: Position
    /// The position of the last delivery.
    package var last: Position
    /// How many deliveries.
    package var count: Int
    /// The number of the first; each further delivery has the next.
    package var sequence: UInt64

    /// Makes a run of numbers.
    package init(sink: String, first: Position, last: Position, count: Int, sequence: UInt64) {
        self.sink = sink
        self.first = first
        self.last = last
        self.count = count
        self.sequence = sequence
    }
}
