import BridgeTesting
import Testing

@testable import MQTTAdapter

struct MQTTFilterTreeTests {
    private static func tree(_ filters: [(Int, String)]) throws -> MQTTFilterTree {
        MQTTFilterTree(try filters.map { (value: $0.0, filter: try MQTTTopicFilter($0.1)) })
    }

    @Test(arguments: [
        ("a", "a", true), ("a", "b", false), ("a/#", "a", true), ("#", "a/b", true), ("#", "$SYS/a", false),
        ("+/a", "$SYS/a", false),
        ("$SYS/#", "$SYS/a", true), ("+/b", "a/+", true), ("+/b", "a/c", false), ("a/+/c", "a/#", true), ("+", "a/b", false),
        ("#", "#", true), ("+", "#", true), ("$SYS/#", "#", false), ("a//b", "a/+/b", true), ("é", "e\u{301}", false),
        ("+/#", "a", true),
    ])
    func `two filters overlap when a topic matches both`(one: String, other: String, overlaps: Bool) throws {
        #expect((try Self.tree([(0, one)]).compare(with: Self.tree([(1, other)])).overlap != nil) == overlaps)
        #expect((try Self.tree([(1, other)]).compare(with: Self.tree([(0, one)])).overlap != nil) == overlaps)
        #expect(try MQTTTopicFilter(one).overlaps(MQTTTopicFilter(other)) == overlaps)
    }

    @Test func `a filter does not overlap itself, only an equal one with another value`() throws {
        let own = try Self.tree([(0, "a/#"), (1, "b/+")])
        #expect(own.compare(with: own).overlap == nil)
        let pair = try #require(own.compare(with: Self.tree([(0, "a/#"), (2, "b/c"), (1, "b/+")])).overlap)
        #expect(pair == (1, 2))
    }

    @Test(arguments: 1...UInt64(40))
    func `the tree agrees with comparing every pair`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func filter() throws -> MQTTTopicFilter {
            var levels = (0..<Int.random(in: 1...4, using: &generator)).map { index in
                ["a", "b", "+", index == 0 ? "$c" : "", "c"].randomElement(using: &generator) ?? "a"
            }
            if Int.random(in: 0..<5, using: &generator) == 0 { levels.append("#") }
            return try MQTTTopicFilter(levels.joined(separator: "/").isEmpty ? "a" : levels.joined(separator: "/"))
        }
        for _ in 0..<200 {
            let filters = try (0..<Int.random(in: 1...5, using: &generator)).map { _ in try filter() }
            let part = filters.indices.filter { _ in Bool.random(using: &generator) }
            let expected = part.contains { one in
                filters.indices.contains { $0 != one && filters[$0].overlaps(filters[one]) }
            }
            let own = MQTTFilterTree(part.map { (value: $0, filter: filters[$0]) })
            let all = MQTTFilterTree(filters.enumerated().map { (value: $0.offset, filter: $0.element) })
            let found = own.compare(with: all).overlap
            #expect((found != nil) == expected, "\(filters.map(\.text)) \(part)")
            if let found { #expect(found.0 != found.1 && filters[found.0].overlaps(filters[found.1]), "\(filters.map(\.text))") }
        }
    }

    @Test func `ten thousand filters cost a few comparisons each`() throws {
        let filters = try Self.tree((0..<10_000).map { ($0, "a/\($0)/+/#") })
        let comparison = filters.compare(with: filters)
        #expect(comparison.overlap == nil && comparison.isComplete)
        #expect(comparison.count < 50_000)
    }

    /// Filters that match each other at every level but the last, and their number is 2 to the power of `levels`.
    private static func crossed(_ levels: Int, _ end: String) -> [String] {
        (0..<(1 << levels)).map { bits in
            ((0..<levels).map { bits >> $0 & 1 == 0 ? "+" : "a" } + [end]).joined(separator: "/")
        }
    }

    @Test func `filters that need a comparison of each pair stop at the limit`() throws {
        let one = try Self.tree(Self.crossed(7, "x").enumerated().map { ($0.offset, $0.element) })
        let other = try Self.tree(Self.crossed(7, "y").enumerated().map { (1000 + $0.offset, $0.element) })
        let whole = one.compare(with: other)
        #expect(whole.overlap == nil && whole.isComplete)
        #expect(whole.count >= 128 * 128)
        let cut = one.compare(with: other, atMost: 1000)
        #expect(cut.overlap == nil && !cut.isComplete)
        #expect(cut.count <= 1002)
    }

    @Test func `a source whose filters exceed the limit is refused with the remedy`() throws {
        let stored = Self.crossed(10, "x").map { #""\#($0)""# }
        let published = Self.crossed(10, "y").map { #"{"topic": "\#($0)", "retain": "as_published"}"# }
        let message = complaint(
            MQTTSource.Configuration.self,
            #"{"url": "mqtt://h", "subscribe": [\#((stored + published).joined(separator: ", "))]}"#
        )
        let remedy = "divide them among several sources"
        #expect(message?.contains("too many filters with '+' at several levels") == true, "\(message ?? "no complaint")")
        #expect(message?.hasSuffix(remedy) == true)
    }
}
