/// A piece of a log on disk, read for one sink.
package struct LogPage: Sendable {
    /// In order; only such as the sink is owed.
    package var events: [StoredEvent]
    /// In order; what the sink is owed and nobody can read.
    package var unreadable: [UnreadableEvent]
    /// Up to here the sink is owed nothing else.
    package var through: Position

    /// Makes a page from its rows.
    package init(events: [StoredEvent], unreadable: [UnreadableEvent] = [], through: Position) {
        self.events = events
        self.unreadable = unreadable
        self.through = through
    }
}

/// A row of a log on disk that is no event any more, damaged or changed by another hand.
package struct UnreadableEvent: Sendable, Equatable {
    /// The row's position in the log.
    package var position: Position
    /// How many deliveries of it a sink was owed.
    package var deliveries: Int
    /// What each of them weighed in the bounds of buffers, in bytes.
    package var weight: Int
    /// See ``StoredEvent/letter``.
    package var letter: Int64?

    /// Makes the record of an unreadable row.
    package init(position: Position, deliveries: Int, weight: Int, letter: Int64? = nil) {
        self.position = position
        self.deliveries = deliveries
        self.weight = weight
        self.letter = letter
    }
}
