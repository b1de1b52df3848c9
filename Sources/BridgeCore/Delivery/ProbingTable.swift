/// A key of a ``ProbingTable``: one or more hashes of one thing, whose bits are already well mixed.
protocol ProbingKey: Equatable, Sendable {
    /// Marks an empty slot; no key equals it.
    static var free: Self { get }

    /// Where the search for the key begins: the lowest bits choose the slot.
    var home: UInt32 { get }

    /// Whether both keys identify the same thing.
    func isSame(as other: Self) -> Bool
}

/// A set of keys with linear probing, at most half full, except for one key that may be added before another is
/// removed.
///
/// The keys are hashes already; a `Set` would hash them again. Not thread-safe.
struct ProbingTable<Key: ProbingKey>: Sendable {
    /// The number is a power of two.
    private var places = Array(repeating: Key.free, count: 64)
    private var mask = 63
    private var count = 0

    /// The key in a slot; ``ProbingKey/free`` for none.
    subscript(place: Int) -> Key { self.places[place] }

    /// Where the search for a key begins.
    func home(of key: Key) -> Int { Int(key.home) & self.mask }

    /// The next slot to probe.
    func place(after place: Int) -> Int { (place + 1) & self.mask }

    /// The slot of a key, or the empty slot for it.
    func place(of key: Key) -> Int {
        var place = self.home(of: key)
        while self.places[place] != .free, !self.places[place].isSame(as: key) { place = self.place(after: place) }
        return place
    }

    /// Stores a key in the empty slot where its search ended.
    mutating func fill(_ place: Int, with key: Key) {
        self.places[place] = key
        self.count += 1
        if self.count * 2 > self.places.count + 2 { self.grow() }
    }

    /// Removes a key and closes the gap: keys that probed past its slot move up.
    ///
    /// - Returns: the stored key; `nil` when there is none.
    @discardableResult
    mutating func remove(_ key: Key) -> Key? {
        var hole = self.place(of: key)
        let removed = self.places[hole]
        guard removed != .free else { return nil }
        var next = self.place(after: hole)
        while self.places[next] != .free {
            let home = self.home(of: self.places[next])
            if (next - home) & self.mask >= (next - hole) & self.mask {
                self.places[hole] = self.places[next]
                hole = next
            }
            next = self.place(after: next)
        }
        self.places[hole] = .free
        self.count -= 1
        return removed
    }

    private mutating func grow() {
        let keys = self.places
        self.places = Array(repeating: .free, count: keys.count * 2)
        self.mask = self.places.count - 1
        for key in keys where key != .free {
            var place = self.home(of: key)
            while self.places[place] != .free { place = self.place(after: place) }
            self.places[place] = key
        }
    }
}

/// The latest keys in order; the oldest is removed at the capacity.
struct LatestKeys<Key: Sendable>: Sendable {
    private let capacity: Int
    private var keys: [Key] = []
    /// The index of the oldest, once the capacity is reached.
    private var oldest = 0

    /// - Parameter capacity: how many are kept, 1 or more.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: the removed oldest one, if any.
    mutating func append(_ key: Key) -> Key? {
        guard self.keys.count == self.capacity else {
            self.keys.append(key)
            return nil
        }
        let evicted = self.keys[self.oldest]
        self.keys[self.oldest] = key
        self.oldest = self.oldest + 1 == self.capacity ? 0 : self.oldest + 1
        return evicted
    }
}
