import Synchronization

/// Counts how many of a number of equal places are in use.
///
/// Thread-safe.
final class HTTPSlots: Sendable {
    private let taken = Atomic<Int>(0)

    /// Takes a place, if one is free.
    ///
    /// - Returns: whether one was free; only then must it be given back.
    func take(upTo limit: Int) -> Bool {
        if self.taken.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        self.give()
        return false
    }

    /// Gives a place back.
    func give() {
        self.taken.wrappingSubtract(1, ordering: .relaxed)
    }
}
