/// The latest of many keys that are hashes: a set that forgets the oldest when it is full.
///
/// A table of keys with linear probing, at most half full, beside a ring of the keys in order: the keys are well mixed already, so hashing them
/// once more, as a `Set` does, would only cost.
struct RecentSet {
    private let capacity: Int
    private var order: [UInt64] = []
    /// Where in ``order`` the oldest stands, once that is full.
    private var oldest = 0
    /// 0 for a free place; as many as a power of two.
    private var table: [UInt64] = Array(repeating: 0, count: 64)
    private var mask = 63

    /// - Parameters:
    ///   - capacity: how many are remembered, 1 or more.
    ///   - keys: the first ones, in order.
    init(capacity: Int, _ keys: [UInt64] = []) {
        self.capacity = capacity
        for key in keys { _ = self.insert(key) }
    }

    func contains(_ key: UInt64) -> Bool {
        let key = Self.stored(key)
        return self.table[self.place(of: key)] == key
    }

    /// - Returns: false when it is among the latest already.
    mutating func insert(_ key: UInt64) -> Bool {
        let key = Self.stored(key)
        let place = self.place(of: key)
        guard self.table[place] != key else { return false }
        self.table[place] = key
        if self.order.count < self.capacity {
            self.order.append(key)
            if self.order.count * 2 > self.table.count { self.grow() }
        } else {
            self.remove(self.order[self.oldest])
            self.order[self.oldest] = key
            self.oldest = self.oldest + 1 == self.capacity ? 0 : self.oldest + 1
        }
        return true
    }

    private static func stored(_ key: UInt64) -> UInt64 { key == 0 ? 1 : key }

    /// Where a key stands, or the free place where it would.
    private func place(of key: UInt64) -> Int {
        var place = Int(truncatingIfNeeded: key) & self.mask
        while self.table[place] != key, self.table[place] != 0 { place = (place + 1) & self.mask }
        return place
    }

    /// Takes a key out, where it is there, and closes the gap: whatever probed past its place moves up.
    private mutating func remove(_ key: UInt64) {
        var hole = self.place(of: key)
        var next = (hole + 1) & self.mask
        while self.table[next] != 0 {
            let home = Int(truncatingIfNeeded: self.table[next]) & self.mask
            if (next - home) & self.mask >= (next - hole) & self.mask {
                self.table[hole] = self.table[next]
                hole = next
            }
            next = (next + 1) & self.mask
        }
        self.table[hole] = 0
    }

    private mutating func grow() {
        let keys = self.table
        self.table = Array(repeating: 0, count: keys.count * 2)
        self.mask = self.table.count - 1
        for key in keys where key != 0 { self.table[self.place(of: key)] = key }
    }
}
