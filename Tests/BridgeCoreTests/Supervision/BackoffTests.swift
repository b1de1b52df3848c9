import BridgeTesting
import Testing

@testable import BridgeCore

struct BackoffTests {
    private let settings = RetrySettings(initial: .seconds(1), factor: 2, maximum: .seconds(10), attempts: 0)

    @Test func `waits are random parts of a bound that doubles up to the maximum`() {
        var longest = Array(repeating: Duration.zero, count: 6)
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            var backoff = Backoff(self.settings)
            for attempt in longest.indices { longest[attempt] = max(longest[attempt], backoff.next(using: &random)) }
        }
        for (bound, longest) in zip([1, 2, 4, 8, 10, 10], longest) {
            #expect(longest <= .seconds(bound))
            #expect(longest > .seconds(bound) * 0.9)
        }
    }

    @Test func `the peer's own wait is never undercut`() {
        var backoff = Backoff(self.settings)
        var random = SeededGenerator(seed: 2)
        #expect(backoff.next(leastWait: .seconds(60), using: &random) == .seconds(60))
    }

    @Test func `a reset starts small again`() {
        var backoff = Backoff(self.settings)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<10 { _ = backoff.next(using: &random) }
        backoff.reset()
        #expect(backoff.next(using: &random) <= .seconds(1))
    }
}
