/// A piece of a log on disk, read for one sink.
package struct LogPage: Sendable {
    /// In order; only such as the sink is owed.
    package var events: [StoredEvent]
    /// Up to here the sink is owed nothing else.
    package var through: Position

    package init(events: [StoredEvent], through: Position) {
        self.events = events
        self.through = through
    }
}
