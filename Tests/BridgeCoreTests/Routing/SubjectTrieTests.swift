import BridgeTesting
import Testing

@testable import BridgeCore

@Suite struct SubjectTrieTests {
    /// Short alphabets, so that random patterns and subjects meet often.
    private static func random<Generator: RandomNumberGenerator>(_ pieces: [String], _ count: Int, _ generator: inout Generator)
        -> String
    {
        (0..<Int.random(in: 1...count, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
    }

    private static func pattern<Generator: RandomNumberGenerator>(_ generator: inout Generator) -> SubjectPattern? {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0:
            let levels = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                ["a", "b", "", "+", "$x", "a*"].randomElement(using: &generator)!
            }
            let end = Bool.random(using: &generator) ? ["#"] : []
            return try? SubjectPattern((levels + end).joined(separator: "/"), syntax: .mqtt)
        case 1:
            return try? SubjectPattern(
                Self.random(["a", "b", "/", "*", "?", "[ab]", "[^a]", "\\*", "[/-b]"], 6, &generator), syntax: .glob)
        default:
            return try? SubjectPattern(Self.random(["a", "b", "/", "*", "$x"], 4, &generator), syntax: .exact)
        }
    }

    @Test func `the trie agrees with a comparison of every pattern`() {
        var generator = SeededGenerator(seed: 7)
        var hits = 0
        for _ in 0..<200 {
            let patterns = (0..<40).compactMap { _ in Self.pattern(&generator) }
            var trie = SubjectTrie()
            for (index, pattern) in patterns.enumerated() { trie.insert(pattern, value: index) }
            for _ in 0..<50 {
                let subject = Self.random(["a", "b", "/", "*", "$x"], 6, &generator)
                var found: [Int] = []
                trie.collect(subject, into: &found)
                let expected = patterns.indices.filter { NaiveMatching.matches(patterns[$0], subject) }
                hits += expected.count
                #expect(found.sorted() == expected, "\(subject)")
                #expect(patterns.indices.filter { patterns[$0].matches(subject) } == expected, "\(subject)")
            }
        }
        #expect(hits > 10_000)
    }

    @Test func `ten thousand patterns cost as much as ten`() throws {
        func steps(_ count: Int, _ pattern: (Int) -> String, _ subject: String) throws -> Int {
            var trie = SubjectTrie()
            for index in 0..<count { trie.insert(try SubjectPattern(pattern(index)), value: index) }
            var found: [Int] = []
            let steps = trie.collect(subject, into: &found)
            #expect(found == [5])
            return steps
        }
        let shapes: [((Int) -> String, String)] = [
            ({ "house/\($0)" }, "house/5"), ({ "house/\($0)/#" }, "house/5/x"), ({ "house/+/\($0)" }, "house/x/5"),
            ({ "house:\($0):*" }, "house:5:x"), ({ "*:\($0):house" }, "x:5:house"),
        ]
        for (pattern, subject) in shapes {
            let few = try steps(10, pattern, subject)
            // Texts of other lengths are the only thing that more patterns add.
            #expect(try steps(10_000, pattern, subject) <= few + 3)
        }
    }

    @Test func `values for all subjects are always found`() throws {
        var trie = SubjectTrie()
        #expect(trie.isEmpty)
        trie.insertForAll(value: 1)
        trie.insert(try SubjectPattern("*"), value: 2)
        trie.insert(try SubjectPattern("#"), value: 3)
        #expect(!trie.isEmpty)
        var found: [Int] = []
        trie.collect("$SYS/x", into: &found)
        #expect(found.sorted() == [1, 2])
        found = []
        trie.collect("a", into: &found)
        #expect(found.sorted() == [1, 2, 3])
    }
}

/// Matching as the standards describe it, without any regard to time.
enum NaiveMatching {
    static func matches(_ pattern: SubjectPattern, _ subject: String) -> Bool {
        switch pattern.syntax {
        case .exact: Array(pattern.text.utf8) == Array(subject.utf8)
        case .mqtt: self.filter(pattern.text, subject)
        case .glob: self.glob(Array(pattern.text.utf8)[...], Array(subject.utf8)[...])
        }
    }

    private static func filter(_ filter: String, _ subject: String) -> Bool {
        let filter = filter.split(separator: "/", omittingEmptySubsequences: false)
        let subject = subject.split(separator: "/", omittingEmptySubsequences: false)
        if subject[0].hasPrefix("$"), filter[0] == "+" || filter[0] == "#" { return false }
        func match(_ filter: ArraySlice<Substring>, _ subject: ArraySlice<Substring>) -> Bool {
            guard let first = filter.first else { return subject.isEmpty }
            if first == "#" { return true }
            guard let level = subject.first else { return false }
            return (first == "+" || first == level) && match(filter.dropFirst(), subject.dropFirst())
        }
        return match(filter[...], subject[...])
    }

    /// Recursive, like Redis.
    private static func glob(_ pattern: ArraySlice<UInt8>, _ subject: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return subject.isEmpty }
        let rest = pattern.dropFirst()
        if first == UInt8(ascii: "*") {
            return self.glob(rest, subject) || (!subject.isEmpty && self.glob(pattern, subject.dropFirst()))
        }
        guard let byte = subject.first else { return false }
        switch first {
        case UInt8(ascii: "?"): return self.glob(rest, subject.dropFirst())
        case UInt8(ascii: "["):
            var body = rest
            let isNegated = body.first == UInt8(ascii: "^")
            if isNegated { body = body.dropFirst() }
            var isMember = false
            while let member = body.first, member != UInt8(ascii: "]") {
                let next = body.dropFirst()
                if member == UInt8(ascii: "\\"), let escaped = next.first {
                    isMember = isMember || escaped == byte
                    body = next.dropFirst()
                } else if next.first == UInt8(ascii: "-"), let end = next.dropFirst().first {
                    isMember = isMember || (min(member, end)...max(member, end)).contains(byte)
                    body = next.dropFirst(2)
                } else {
                    isMember = isMember || member == byte
                    body = next
                }
            }
            return isMember != isNegated && self.glob(body.dropFirst(), subject.dropFirst())
        case UInt8(ascii: "\\") where !rest.isEmpty:
            return rest.first == byte && self.glob(rest.dropFirst(), subject.dropFirst())
        default: return first == byte && self.glob(rest, subject.dropFirst())
        }
    }
}
