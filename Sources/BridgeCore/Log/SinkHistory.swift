/// What a log still knows of what a sink has published.
package struct SinkHistory: Sendable {
    /// In order of their numbers.
    package var events: [NumberedEvent]
    /// Some event with this number or a lower one is gone; 0 when none is.
    package var forgotten: UInt64
    /// Where there are rows that nobody can read; their numbers are forgotten.
    package var unreadable: [Position]

    package init(events: [NumberedEvent] = [], forgotten: UInt64 = 0, unreadable: [Position] = []) {
        self.events = events
        self.forgotten = forgotten
        self.unreadable = unreadable
    }
}
