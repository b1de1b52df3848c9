/// Finds the matches among many patterns: the cost of a look-up depends on the subject and on the matches, not on the
/// number of patterns.
///
/// Exact subjects are in a dictionary, MQTT filters in a trie of levels, globs in buckets by the literal text they begin or end
/// with. Built once, then immutable.
package struct SubjectTrie: Sendable {
    private var exact: [ExactText: [Int]] = [:]
    private var nodes: [Node] = [Node()]
    private var everything: [Int] = []
    private var prefixes = AffixBuckets()
    private var suffixes = AffixBuckets()
    private var wild: [(pattern: SubjectPattern, value: Int)] = []
    private(set) var isEmpty = true

    /// Makes one without patterns.
    package init() {}

    /// One level of the MQTT filters that share the levels before it.
    private struct Node: Sendable {
        var children: [ExactText: Int] = [:]
        var plus: Int?
        /// The values of the filters that end here.
        var values: [Int] = []
        /// The values of the filters that end with `#` below here.
        var hashes: [Int] = []
    }

    /// Adds a value for each subject that matches the pattern.
    package mutating func insert(_ pattern: SubjectPattern, value: Int) {
        self.isEmpty = false
        switch pattern.syntax {
        case .exact: self.exact[ExactText(pattern.text), default: []].append(value)
        case .mqtt: self.insertFilter(pattern.text, value: value)
        case .glob:
            guard let glob = pattern.glob, !glob.takesEverything else { return self.everything.append(value) }
            if glob.prefix.isEmpty, glob.suffix.isEmpty {
                self.wild.append((pattern, value))
            } else if glob.prefix.count >= glob.suffix.count {
                self.prefixes.insert(glob.prefix, pattern: pattern, value: value)
            } else {
                self.suffixes.insert(glob.suffix, pattern: pattern, value: value)
            }
        }
    }

    /// Adds a value for every subject.
    mutating func insertForAll(value: Int) {
        self.isEmpty = false
        self.everything.append(value)
    }

    private mutating func insertFilter(_ filter: String, value: Int) {
        var node = 0
        var levels = LevelIterator(filter)
        while let level = levels.next() {
            if level.utf8.elementsEqual("#".utf8) {
                self.nodes[node].hashes.append(value)
                return
            }
            let isPlus = level.utf8.elementsEqual("+".utf8)
            let key = ExactText(Substring(String(level)))
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
        }
        self.nodes[node].values.append(value)
    }

    /// Appends the values of all patterns that match the subject, in no order, a value as often as it has such
    /// patterns.
    ///
    /// - Returns: how many nodes and patterns were visited.
    @discardableResult
    package func collect(_ subject: String, into values: inout [Int]) -> Int {
        var steps = 1
        values += self.everything
        if !self.exact.isEmpty, let found = self.exact[ExactText(subject)] { values += found }
        if self.nodes.count > 1 || !self.nodes[0].hashes.isEmpty {
            let isSystem = subject.utf8.first == UInt8(ascii: "$")
            self.descend(0, subject[...], isSystem: isSystem, &values, &steps)
        }
        steps += self.prefixes.collect(subject, atEnd: false, into: &values)
        steps += self.suffixes.collect(subject, atEnd: true, into: &values)
        for (pattern, value) in self.wild {
            steps += 1
            if pattern.matches(subject) { values.append(value) }
        }
        return steps
    }

    /// - Parameters:
    ///   - rest: the levels below the node; `nil` below the last.
    ///   - isSystem: at the root, whether the subject begins with `$`, which no wildcard matches (MQTT 3.1.1 §4.7.2).
    private func descend(_ index: Int, _ rest: Substring?, isSystem: Bool, _ values: inout [Int], _ steps: inout Int) {
        let node = self.nodes[index]
        steps += 1
        if !isSystem { values += node.hashes }
        guard let rest else {
            values += node.values
            return
        }
        let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/"))
        let level = slash.map { rest[..<$0] } ?? rest
        let below = slash.map { rest[rest.utf8.index(after: $0)...] }
        if let child = node.children[ExactText(level)] { self.descend(child, below, isSystem: false, &values, &steps) }
        if let plus = node.plus, !isSystem { self.descend(plus, below, isSystem: false, &values, &steps) }
    }
}

/// Globs by the literal text at one end.
private struct AffixBuckets: Sendable {
    private var buckets: [[UInt8]: [(pattern: SubjectPattern, value: Int)]] = [:]
    /// The lengths of those texts, ascending.
    private var lengths: [Int] = []

    mutating func insert(_ affix: [UInt8], pattern: SubjectPattern, value: Int) {
        self.buckets[affix, default: []].append((pattern, value))
        if !self.lengths.contains(affix.count) { self.lengths = (self.lengths + [affix.count]).sorted() }
    }

    func collect(_ subject: String, atEnd: Bool, into values: inout [Int]) -> Int {
        guard !self.lengths.isEmpty else { return 0 }
        var steps = 0
        let bytes = Array(subject.utf8)
        for length in self.lengths {
            guard length <= bytes.count else { break }
            steps += 1
            for (pattern, value) in self.buckets[Array(atEnd ? bytes.suffix(length) : bytes.prefix(length))] ?? [] {
                steps += 1
                if pattern.matches(subject) { values.append(value) }
            }
        }
        return steps
    }
}
