/// The latest keys, which are hashes; forgets the oldest when it is full.
///
/// Not thread-safe.
struct RecentSet: Sendable {
    private struct Key: ProbingKey {
        static let free = Key(stored: 0)

        let value: UInt64

        /// 0 is stored as 1, because 0 marks an empty slot.
        init(_ value: UInt64) { self.init(stored: max(value, 1)) }

        private init(stored value: UInt64) { self.value = value }

        var home: UInt32 { UInt32(truncatingIfNeeded: self.value) }

        func isSame(as other: Key) -> Bool { self == other }
    }

    private var table = ProbingTable<Key>()
    private var order: LatestKeys<Key>

    /// - Parameters:
    ///   - capacity: the number of keys remembered, 1 or more.
    ///   - keys: the first ones, in order.
    init(capacity: Int, _ keys: [UInt64] = []) {
        self.order = LatestKeys(capacity: capacity)
        for key in keys { _ = self.insert(key) }
    }

    func contains(_ key: UInt64) -> Bool {
        self.table[self.table.place(of: Key(key))] != .free
    }

    /// - Returns: false when it is among the latest already.
    mutating func insert(_ key: UInt64) -> Bool {
        let key = Key(key)
        let place = self.table.place(of: key)
        guard self.table[place] == .free else { return false }
        self.table.fill(place, with: key)
        if let evicted = self.order.append(key) { self.table.remove(evicted) }
        return true
    }
}
