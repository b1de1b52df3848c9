/// The events in the log that a sink has published.
package struct SinkHistory: Sendable {
    /// In order of their sequence numbers.
    package var events: [NumberedEvent]
    /// The highest number up to which an event is missing; 0 when none is.
    package var forgotten: UInt64
    /// The last events of each key that the sink keeps, see ``SinkInlet/number(_:from:snapshot:)``, in order of their numbers.
    package var snapshot: [NumberedEvent]
    /// The sequence numbers of unreadable ones.
    package var unreadableSnapshot: [UInt64]
    /// Positions of unreadable rows; their numbers count as missing.
    package var unreadable: [Position]

    /// Makes a history; an empty one by default.
    package init(
        events: [NumberedEvent] = [], forgotten: UInt64 = 0, unreadable: [Position] = [], snapshot: [NumberedEvent] = [],
        unreadableSnapshot: [UInt64] = []
    ) {
        self.events = events
        self.snapshot = snapshot
        self.unreadableSnapshot = unreadableSnapshot
        self.forgotten = forgotten
        self.unreadable = unreadable
    }
}

/// An event that a sink has published under a sequence number.
package struct NumberedEvent: Sendable {
    /// The event as it was published.
    package var event: Event
    /// The sequence number.
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

/// Consecutive deliveries of a sink that numbers its events.
package struct NumberedRun: Sendable, Equatable {
    /// The name of the sink.
    package var sink: String
    /// The position of the first delivery.
    package var first: Position
    /// The position of the last delivery.
    package var last: Position
    /// The number of deliveries.
    package var count: Int
    /// The sequence number of the first; each further delivery has the next.
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
