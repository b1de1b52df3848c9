/// The latest deliveries, each identified by hashes; forgets the oldest when it is full.
///
/// Deliveries of one identity (an id with its timestamp to one sink) form one chain of a ``ProbingTable``. One look-up
/// finds both whether a content is known and how many there are. Not thread-safe.
struct RecentDeliveries {
    /// The hashes of one delivery; senders must not be able to choose them.
    struct Key: Hashable, ProbingKey {
        static let free = Key(content: 0, identity: 0, group: 0)

        /// Of the identity and the content of the event.
        let content: UInt64
        /// Of the identity alone: where its chain begins.
        let identity: UInt32
        /// Of the identity and the event's source; 0 for a delivery that is not counted among the contents of an identity.
        let group: UInt32

        /// - Parameters:
        ///   - content: 0 is stored as 1, because 0 marks an empty slot.
        ///   - group: likewise when it is counted.
        init(content: UInt64, identity: UInt32, group: UInt32, isCounted: Bool) {
            self.init(content: max(content, 1), identity: identity, group: isCounted ? max(group, 1) : 0)
        }

        private init(content: UInt64, identity: UInt32, group: UInt32) {
            self.content = content
            self.identity = identity
            self.group = group
        }

        var home: UInt32 { self.identity }

        func isSame(as other: Key) -> Bool { self.content == other.content && self.identity == other.identity }
    }

    /// The result of noting a delivery.
    enum Verdict {
        /// It was unknown, and is recorded.
        case isNew
        case isKnown
        /// Its group has as many other contents as allowed; it is not recorded.
        case isTooMany
    }

    private let contents: Int
    private var table = ProbingTable<Key>()
    private var order: LatestKeys<Key>
    /// By key: how many entries of ``order`` belong to deliveries that were removed early.
    private var stale: [Key: Int] = [:]

    /// - Parameters:
    ///   - capacity: the number of deliveries remembered, 1 or more.
    ///   - contents: the limit per group, 1 or more; also per identity for uncounted deliveries, so that no chain grows
    ///     long.
    init(capacity: Int, contents: Int) {
        self.order = LatestKeys(capacity: capacity)
        self.contents = contents
    }

    /// Records an unknown delivery.
    mutating func note(_ key: Key) -> Verdict {
        var place = self.table.home(of: key)
        var count = 0
        while self.table[place] != .free {
            let known = self.table[place]
            if known.isSame(as: key) { return .isKnown }
            if known.group == key.group, known.identity == key.identity { count += 1 }
            place = self.table.place(after: place)
        }
        guard count < self.contents else { return .isTooMany }
        self.table.fill(place, with: key)
        if let evicted = self.order.append(key) { self.evict(evicted) }
        return .isNew
    }

    /// Removes a delivery if it is known; its entry in ``order`` stays, but does not affect a later delivery.
    mutating func forget(_ key: Key) {
        if let known = self.table.remove(key) { self.stale[known, default: 0] += 1 }
    }

    /// Removes the oldest entry's delivery, unless it was removed before.
    private mutating func evict(_ key: Key) {
        if !self.stale.isEmpty, let count = self.stale[key] {
            self.stale[key] = count == 1 ? nil : count - 1
        } else {
            self.table.remove(key)
        }
    }
}
