import Synchronization

/// Distinguishes a peer that refuses every event, because of credentials or a wrong address, from one that refuses a
/// single event.
///
/// A sink asks it for each refusal that may have nothing to do with the event. The first ``patience`` events in a row
/// are abandoned; a further refusal is a failure of the sink, and its event is kept and offered again. Thread-safe.
package final class RefusalStreak: Sendable {
    /// How many events in a row are abandoned at most.
    package static let patience = 2

    private let length = Atomic(0)

    /// Makes a streak of length 0.
    package init() {}

    /// The peer has refused an event for a reason that may concern every event.
    ///
    /// - Returns: whether the refusal is one of the sink.
    package func refused() -> Bool {
        let before = self.length.load(ordering: .relaxed)
        guard before < Self.patience else { return true }
        return self.length.wrappingAdd(1, ordering: .relaxed).oldValue >= Self.patience
    }

    /// The peer has accepted an event, or refused one for its content.
    package func ended() {
        if self.length.load(ordering: .relaxed) != 0 { self.length.store(0, ordering: .relaxed) }
    }
}
