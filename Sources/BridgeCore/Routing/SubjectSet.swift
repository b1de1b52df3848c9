/// The subjects that at least one of some patterns takes.
///
/// A handful of patterns is tried one by one; more are looked up in a ``SubjectTrie``, so that the price of a look-up hardly depends on their
/// number. Immutable.
package struct SubjectSet: Sendable {
    /// Up to so many patterns trying one by one is the faster way.
    private static let fewPatterns = 4

    private let patterns: [SubjectPattern]
    private let trie: SubjectTrie?

    /// Of no pattern contains no subject.
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

    /// Whether one of the patterns takes the subject.
    package func contains(_ subject: String) -> Bool {
        guard let trie else { return self.patterns.contains { $0.matches(subject) } }
        var values: [Int] = []
        trie.collect(subject, into: &values)
        return !values.isEmpty
    }
}
