import BridgeCore

/// Topic filters as a tree of levels, to find overlapping ones without comparing every pair.
///
/// Most sets of filters cost about one comparison for each of their levels. Sets in which `+` and text alternate at
/// many levels can cost one for each pair of filters, so a comparison has a limit.
struct MQTTFilterTree {
    /// The result of comparing two trees.
    struct Comparison {
        /// The values of two different filters, one from each tree, that overlap; `nil` when none were found.
        var overlap: (Int, Int)?
        /// How many pairs of levels were compared.
        var count = 0
        /// Whether every pair that can overlap was compared, or an overlap was found before that.
        var isComplete = true
    }

    /// The largest number of pairs of levels that are compared.
    static let limit = 1_000_000

    private struct Node {
        var children: [ExactText: Int] = [:]
        var plus: Int?
        /// The values of the filters that end here.
        var values: [Int] = []
        /// The values of the filters that end with `#` directly below.
        var hashes: [Int] = []
        /// The first two values at or below here; one of them differs from any given value.
        var some: [Int] = []
    }

    private var nodes = [Node()]

    /// - Parameter filters: each with a distinct value.
    init(_ filters: some Sequence<(value: Int, filter: MQTTTopicFilter)>) {
        for (value, filter) in filters { self.insert(filter, value) }
    }

    private mutating func insert(_ filter: MQTTTopicFilter, _ value: Int) {
        var node = 0
        self.note(value, at: node)
        for level in filter.levels {
            if level == "#" {
                self.nodes[node].hashes.append(value)
                return
            }
            let isPlus = level == "+"
            let key = ExactText(level)
            if let next = isPlus ? self.nodes[node].plus : self.nodes[node].children[key] {
                node = next
            } else {
                self.nodes.append(Node())
                if isPlus {
                    self.nodes[node].plus = self.nodes.count - 1
                } else {
                    self.nodes[node].children[key] = self.nodes.count - 1
                }
                node = self.nodes.count - 1
            }
            self.note(value, at: node)
        }
        self.nodes[node].values.append(value)
    }

    private mutating func note(_ value: Int, at node: Int) {
        if self.nodes[node].some.count < 2 { self.nodes[node].some.append(value) }
    }

    /// Searches for two different filters, one from each tree, that overlap.
    ///
    /// Walks both trees together, along matching levels. A tree may be compared with itself or a part of itself: a
    /// value does not overlap itself.
    func compare(with other: MQTTFilterTree, atMost limit: Int = MQTTFilterTree.limit) -> Comparison {
        var result = Comparison()
        var pairs = [(own: 0, other: 0)]
        while let pair = pairs.popLast() {
            result.count += 1
            guard result.count <= limit else {
                result.isComplete = false
                return result
            }
            let own = self.nodes[pair.own]
            let their = other.nodes[pair.other]
            let isRoot = pair.own == 0
            // `a/#` matches `a` too; at the beginning `#` matches no level that begins with `$` (MQTT 5 §4.7.2).
            let theirValues = isRoot ? other.valuesBesideSystem : their.some
            let ownValues = isRoot ? self.valuesBesideSystem : own.some
            if let found = Self.different(own.hashes, theirValues) ?? Self.different(ownValues, their.hashes)
                ?? Self.different(own.values, their.values)
            {
                result.overlap = found
                return result
            }
            if let plus = own.plus {
                if let next = their.plus { pairs.append((plus, next)) }
                for (level, next) in their.children where !isRoot || !Self.isSystem(level) { pairs.append((plus, next)) }
            }
            if let plus = their.plus {
                for (level, next) in own.children where !isRoot || !Self.isSystem(level) { pairs.append((next, plus)) }
            }
            let isSmaller = own.children.count <= their.children.count
            // A search for a match counts as a comparison, also without a result.
            result.count += min(own.children.count, their.children.count)
            for (level, next) in isSmaller ? own.children : their.children {
                guard let match = isSmaller ? their.children[level] : own.children[level] else { continue }
                pairs.append(isSmaller ? (next, match) : (match, next))
            }
        }
        return result
    }

    /// Whether a filter overlaps one of another value; also true when ``limit`` comparisons do not decide that.
    func mayOverlap(_ filter: MQTTTopicFilter, of value: Int) -> Bool {
        let comparison = MQTTFilterTree(CollectionOfOne((value: value, filter: filter))).compare(with: self)
        return comparison.overlap != nil || !comparison.isComplete
    }

    /// Calls `body` with the value of each filter that matches every topic that `filter` matches; see ``MQTTTopicFilter/covers(_:)``.
    func forEachCovering(_ filter: MQTTTopicFilter, _ body: (Int) -> Void) {
        let levels = filter.levels
        let isSystem = levels[0].utf8.first == UInt8(ascii: "$")
        var places = [(node: 0, depth: 0)]
        while let place = places.popLast() {
            let node = self.nodes[place.node]
            // At the beginning no wildcard matches a level that begins with `$` (MQTT 5 §4.7.2).
            let takesWildcards = place.depth > 0 || !isSystem
            // `a/#` matches `a` too.
            if takesWildcards { for value in node.hashes { body(value) } }
            guard place.depth < levels.count else {
                for value in node.values { body(value) }
                continue
            }
            let level = levels[place.depth]
            if level == "#" { continue }
            if takesWildcards, let plus = node.plus { places.append((plus, place.depth + 1)) }
            if level != "+", let child = node.children[ExactText(level)] { places.append((child, place.depth + 1)) }
        }
    }

    /// The first two values whose filters do not begin with `$`.
    private var valuesBesideSystem: [Int] {
        let root = self.nodes[0]
        var found = Array(root.hashes.prefix(2))
        if let plus = root.plus { found += self.nodes[plus].some }
        for (level, child) in root.children where !Self.isSystem(level) {
            found += self.nodes[child].some
            if found.count > 3 { break }
        }
        return found
    }

    private static func isSystem(_ level: ExactText) -> Bool { level.text.utf8.first == UInt8(ascii: "$") }

    /// Two different values, one from each list.
    private static func different(_ own: [Int], _ other: [Int]) -> (Int, Int)? {
        guard let first = own.first, let their = other.first else { return nil }
        if first != their { return (first, their) }
        if let next = other.first(where: { $0 != first }) { return (first, next) }
        return own.first { $0 != their }.map { ($0, their) }
    }
}
