/// A key of a ``ProbingTable``: a hash, or several of one thing, whose bits are well mixed already.
protocol ProbingKey: Equatable, Sendable {
    /// Stands for a place without a key; no key equals it.
    static var free: Self { get }

    /// Where the search for the key begins: the lowest bits choose the place.
    var home: UInt32 { get }

    /// Whether it stands for the same thing as another key.
    func isSame(as other: Self) -> Bool
}

/// A set of keys with linear probing, at most half full but for one key, which may come before another makes room for it.
///
/// The keys are hashes, so hashing them once more, as a `Set` does, would only cost. Not thread-safe.
struct ProbingTable<Key: ProbingKey> {
    /// As many as a power of two.
    private var places = Array(repeating: Key.free, count: 64)
    private var mask = 63
    private var count = 0

    /// The key at a place; ``ProbingKey/free`` for none.
    subscript(place: Int) -> Key { self.places[place] }

    /// Where the search for a key begins.
    func home(of key: Key) -> Int { Int(key.home) & self.mask }

    /// Where the search goes on.
    func place(after place: Int) -> Int { (place + 1) & self.mask }

    /// Where a key stands, or the free place where it would.
    func place(of key: Key) -> Int {
        var place = self.home(of: key)
        while self.places[place] != .free, !self.places[place].isSame(as: key) { place = self.place(after: place) }
        return place
    }

    /// Puts a key at the free place where its search has ended.
    mutating func fill(_ place: Int, with key: Key) {
        self.places[place] = key
        self.count += 1
        if self.count * 2 > self.places.count + 2 { self.grow() }
    }

    /// Removes a key and closes the gap: whatever probed past its place moves up.
    ///
    /// - Returns: the key as it was put; `nil` when it is not there.
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

/// The latest of many keys in order; the oldest makes room when there are as many as are kept.
struct LatestKeys<Key> {
    private let capacity: Int
    private var keys: [Key] = []
    /// Where the oldest stands, once there are as many as are kept.
    private var oldest = 0

    /// - Parameter capacity: how many are kept, 1 or more.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: the oldest one, where it had to make room.
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
