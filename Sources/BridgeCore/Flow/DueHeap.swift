/// Keys by the time at which something is due, the earliest first; a key occurs once.
struct DueHeap: Sendable {
    private var items: [(due: Timestamp, key: String)] = []

    var count: Int { self.items.count }

    /// The earliest.
    var first: (due: Timestamp, key: String)? { self.items.first }

    mutating func push(_ key: String, due: Timestamp) {
        self.items.append((due, key))
        var child = self.items.count - 1
        while child > 0, case let parent = (child - 1) / 2, self.items[child].due < self.items[parent].due {
            self.items.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes the earliest.
    mutating func popFirst() -> (due: Timestamp, key: String)? {
        guard let first = self.items.first, let last = self.items.popLast() else { return nil }
        guard !self.items.isEmpty else { return first }
        self.items[0] = last
        var parent = 0
        while case let left = 2 * parent + 1, left < self.items.count {
            let right = left + 1
            let child = right < self.items.count && self.items[right].due < self.items[left].due ? right : left
            guard self.items[child].due < self.items[parent].due else { break }
            self.items.swapAt(child, parent)
            parent = child
        }
        return first
    }
}
