/// The subjects that match at least one of several patterns.
///
/// A few patterns are compared one by one; more are in a ``SubjectTrie``, so that the cost of a look-up hardly depends
/// on their number. Immutable.
package struct SubjectSet: Sendable {
    /// Up to this number of patterns, comparing them one by one is faster.
    private static let fewPatterns = 4

    private let patterns: [SubjectPattern]
    private let trie: SubjectTrie?

    /// A set without patterns contains no subject.
    package init(_ patterns: [SubjectPattern]) {
        guard patterns.count > Self.fewPatterns else {
            self.patterns = patterns
            self.trie = nil
            return
        }
        var trie = SubjectTrie()
        for pattern in Set(patterns) { trie.insert(pattern, value: 0) }
        self.patterns = []
        self.trie = trie
    }

    /// Whether one of the patterns matches the subject.
    package func contains(_ subject: String) -> Bool {
        guard let trie else { return self.patterns.contains { $0.matches(subject) } }
        var values: [Int] = []
        trie.collect(subject, into: &values)
        return !values.isEmpty
    }
}
