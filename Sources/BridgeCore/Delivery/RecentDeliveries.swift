/// The latest of many deliveries, each known by hashes: forgets the oldest when it is full.
///
/// A table with linear probing, at most half full, beside a ring of the keys in order. Deliveries of one identity (an id with its timestamp
/// to one sink) stand in one probe chain, so that one look finds both whether a content is known and how many there are. Not
/// thread-safe.
struct RecentDeliveries {
    /// The hashes of one delivery; whoever sends events must not be able to choose them.
    struct Key: Equatable {
        /// Of the identity, and of what the event says.
        var content: UInt64
        /// Of the identity alone: where the probe chain begins.
        var identity: UInt32
        /// Of the identity and the event's source; 0 for a delivery that is not counted among the contents of an identity.
        var group: UInt32

        static let free = Key(content: 0, identity: 0, group: 0)

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

        var isFree: Bool { self.content == 0 }
    }

    /// What became of a delivery.
    enum Verdict {
        /// It was not known, and is noted.
        case isNew
        case isKnown
        /// Its group has as many other contents as are allowed; it is not noted.
        case isTooMany
    }

    private let capacity: Int
    private let contents: Int
    private var order: [Key] = []
    /// Where in ``order`` the oldest stands, once that is full.
    private var oldest = 0
    /// As many places as a power of two.
    private var table = Array(repeating: Key.free, count: 64)
    private var mask = 63

    /// - Parameters:
    ///   - capacity: how many are remembered, 1 or more.
    ///   - contents: how many of one group are, 1 or more; also how many of one identity that are not counted, so that no chain grows long.
    init(capacity: Int, contents: Int) {
        self.capacity = capacity
        self.contents = contents
    }

    /// Notes a delivery that is not known.
    mutating func note(_ key: Key) -> Verdict {
        var place = Int(key.identity) & self.mask
        var count = 0
        while !self.table[place].isFree {
            let known = self.table[place]
            if known.content == key.content, known.identity == key.identity { return .isKnown }
            if known.group == key.group, known.identity == key.identity { count += 1 }
            place = (place + 1) & self.mask
        }
        guard count < self.contents else { return .isTooMany }
        self.table[place] = key
        if self.order.count < self.capacity {
            self.order.append(key)
            if self.order.count * 2 > self.table.count { self.grow() }
        } else {
            self.forget(self.order[self.oldest])
            self.order[self.oldest] = key
            self.oldest = self.oldest + 1 == self.capacity ? 0 : self.oldest + 1
        }
        return .isNew
    }

    /// Takes a delivery out, where it is known; its place among the latest stays used.
    mutating func forget(_ key: Key) {
        var hole = Int(key.identity) & self.mask
        while self.table[hole].content != key.content || self.table[hole].identity != key.identity {
            if self.table[hole].isFree { return }
            hole = (hole + 1) & self.mask
        }
        // Whatever probed past its place moves up.
        var next = (hole + 1) & self.mask
        while !self.table[next].isFree {
            let home = Int(self.table[next].identity) & self.mask
            if (next - home) & self.mask >= (next - hole) & self.mask {
                self.table[hole] = self.table[next]
                hole = next
            }
            next = (next + 1) & self.mask
        }
        self.table[hole] = .free
    }

    private mutating func grow() {
        let keys = self.table
        self.table = Array(repeating: .free, count: keys.count * 2)
        self.mask = self.table.count - 1
        for key in keys where !key.isFree {
            var place = Int(key.identity) & self.mask
            while !self.table[place].isFree { place = (place + 1) & self.mask }
            self.table[place] = key
        }
    }
}
