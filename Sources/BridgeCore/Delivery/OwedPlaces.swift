import HeapModule

/// The places of deliveries that stand in no order, with the oldest at hand.
///
/// A value; ``SinkCursor`` owns it. Adding and removing cost the logarithm of how many there are, so that many of them cost the log nothing
/// at each step.
struct OwedPlaces {
    private var counts: [Position: Int] = [:]
    /// Each of them, and some that are gone; the least is there.
    private var heap = Heap<Position>()

    /// The oldest.
    var first: Position? { self.heap.min }

    func contains(_ position: Position) -> Bool { self.counts[position] != nil }

    /// Adds one delivery at a place, where there may be others.
    mutating func add(_ position: Position) {
        let count = self.counts[position, default: 0]
        self.counts[position] = count + 1
        if count == 0 { self.heap.insert(position) }
    }

    /// Removes one of those at a place.
    mutating func remove(_ position: Position) {
        guard let count = self.counts[position] else { return }
        self.counts[position] = count == 1 ? nil : count - 1
        while let first = self.heap.min, self.counts[first] == nil { self.heap.removeMin() }
        // One that stays for long must not keep all that are gone.
        if self.heap.count > 2 * self.counts.count + 64 { self.heap = Heap(self.counts.keys) }
    }
}
