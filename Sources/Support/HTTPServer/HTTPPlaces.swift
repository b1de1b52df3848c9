import Synchronization

/// A number of equal places, of which some are taken.
///
/// Thread-safe.
final class HTTPPlaces: Sendable {
    private let taken = Atomic<Int>(0)

    /// Takes a place.
    ///
    /// - Returns: whether there was one; if not, none is to be given back.
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
