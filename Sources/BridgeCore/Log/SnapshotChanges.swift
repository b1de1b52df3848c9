/// How the last events of each key have changed that a sink keeps for new clients.
///
/// A log on disk stores these events apart from its records, because they may be older than all of them.
package struct SnapshotChanges: Sendable {
    /// The name of the sink; the log sets it.
    package internal(set) var sink = ""
    /// Events that are kept from now on; their sequence numbers are not in ``removed``.
    package var kept: [NumberedEvent]
    /// The sequence numbers of events that are no longer kept.
    package var removed: [UInt64]

    /// Makes changes; none by default.
    package init(kept: [NumberedEvent] = [], removed: [UInt64] = []) {
        self.kept = kept
        self.removed = removed
    }

    /// Adds later changes; an event that was kept only in between is in neither list.
    package mutating func follow(removed: [UInt64], kept: [NumberedEvent]) {
        if !removed.isEmpty {
            let gone = Set(removed)
            self.removed += gone.subtracting(self.kept.map(\.sequence))
            self.kept.removeAll { gone.contains($0.sequence) }
        }
        self.kept += kept
    }

    /// Whether nothing has changed.
    package var isEmpty: Bool { self.kept.isEmpty && self.removed.isEmpty }
}
