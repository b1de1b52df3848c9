/// Part of a log on disk, read for one sink.
package struct LogPage: Sendable {
    /// In order; only events that are pending for the sink.
    package var events: [StoredEvent]
    /// In order; pending for the sink but unreadable.
    package var unreadable: [UnreadableEvent]
    /// Everything pending up to here is included.
    package var through: Position

    /// Makes a page from its rows.
    package init(events: [StoredEvent], unreadable: [UnreadableEvent] = [], through: Position) {
        self.events = events
        self.unreadable = unreadable
        self.through = through
    }
}

/// A row of a log on disk that is not a valid event, because it was damaged or changed by another program.
package struct UnreadableEvent: Sendable, Equatable {
    /// The row's position in the log.
    package var position: Position
    /// The number of its deliveries that are pending for the sink.
    package var deliveries: Int
    /// The weight of each in the buffer limits, in bytes.
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
