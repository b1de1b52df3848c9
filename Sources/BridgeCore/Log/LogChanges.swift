/// What a log on disk must write in one group, in this order: events, what sinks have settled, then the sources'
/// cursors.
package struct LogChanges: Sendable {
    /// In order of position.
    package var events: [StoredEvent] = []
    /// The cursors of the sinks.
    package var sinks: [SinkMark] = []
    /// The dead letters that are added, changed or removed.
    package var letters: [DeadLetterChange] = []
    /// The sequence numbers that sinks have given to published events.
    package var numbers: [NumberedRun] = []
    /// How the snapshots of sinks have changed, in order.
    package var snapshots: [SnapshotChanges] = []
    /// The keys of `dedupe:` whose events have been delivered.
    package var keys: [DeliveredKey] = []
    /// What the tools of routes keep, in order.
    package var flow: [FlowChange] = []
    /// By the name of the source.
    package var cursors: [String: String] = [:]

    /// Makes an empty group of changes.
    package init() {}

    /// Whether there is nothing to write.
    package var isEmpty: Bool {
        self.events.isEmpty && self.sinks.isEmpty && self.letters.isEmpty && self.numbers.isEmpty
            && self.snapshots.isEmpty && self.keys.isEmpty && self.flow.isEmpty && self.cursors.isEmpty
    }
}
