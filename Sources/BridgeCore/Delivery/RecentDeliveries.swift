/// The latest of many deliveries, each known by hashes: forgets the oldest when it is full.
///
/// Deliveries of one identity (an id with its timestamp to one sink) stand in one chain of a ``ProbingTable``, so that one look finds both whether
/// a content is known and how many there are. Not thread-safe.
struct RecentDeliveries {
    /// The hashes of one delivery; whoever sends events must not be able to choose them.
    struct Key: Hashable, ProbingKey {
        static let free = Key(content: 0, identity: 0, group: 0)

        /// Of the identity, and of what the event says.
        let content: UInt64
        /// Of the identity alone: where its chain begins.
        let identity: UInt32
        /// Of the identity and the event's source; 0 for a delivery that is not counted among the contents of an identity.
        let group: UInt32

        /// - Parameters:
        ///   - content: 0 is taken as 1, which leaves 0 for a free place.
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

    /// What became of a delivery.
    enum Verdict {
        /// It was not known, and is noted.
        case isNew
        case isKnown
        /// Its group has as many other contents as are allowed; it is not noted.
        case isTooMany
    }

    private let contents: Int
    private var table = ProbingTable<Key>()
    private var order: LatestKeys<Key>
    /// By key: how many entries of ``order`` belong to deliveries that were removed before their turn.
    private var stale: [Key: Int] = [:]

    /// - Parameters:
    ///   - capacity: how many are remembered, 1 or more.
    ///   - contents: how many of one group are, 1 or more; also how many of one identity that are not counted, so that no chain grows long.
    init(capacity: Int, contents: Int) {
        self.order = LatestKeys(capacity: capacity)
        self.contents = contents
    }

    /// Notes a delivery that is not known.
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

    /// Removes a delivery if it is known; its entry in ``order`` stays, but does not count for a later delivery.
    mutating func forget(_ key: Key) {
        if let known = self.table.remove(key) { self.stale[known, default: 0] += 1 }
    }

    /// Removes the oldest entry's delivery, unless that was removed before.
    private mutating func evict(_ key: Key) {
        if !self.stale.isEmpty, let count = self.stale[key] {
            self.stale[key] = count == 1 ? nil : count - 1
        } else {
            self.table.remove(key)
        }
    }
}
