/// A piece of a log on disk, read for one sink.
package struct LogPage: Sendable {
    /// In order; only such as the sink is owed.
    package var events: [StoredEvent]
    /// In order; what the sink is owed and nobody can read.
    package var unreadable: [UnreadableEvent]
    /// Up to here the sink is owed nothing else.
    package var through: Position

    package init(events: [StoredEvent], unreadable: [UnreadableEvent] = [], through: Position) {
        self.events = events
        self.unreadable = unreadable
        self.through = through
    }
}
