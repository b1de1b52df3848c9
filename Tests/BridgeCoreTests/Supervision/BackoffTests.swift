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

    @Test func `while a peer is away for less than a minute the waits stay short, then they grow`() {
        let settings = RetrySettings(initial: .milliseconds(500), factor: 2, maximum: .seconds(30), attempts: 0)
        var longest: [Duration] = []
        var random = SeededGenerator(seed: 4)
        let start = ContinuousClock.now
        for _ in 0..<500 {
            var backoff = Backoff(settings)
            var waits: [Duration] = []
            for second in 0..<70 { waits.append(backoff.next(isOutage: true, now: start + .seconds(second), using: &random)) }
            longest = longest.isEmpty ? waits : zip(longest, waits).map(max)
        }
        #expect(longest[..<60].allSatisfy { $0 <= Backoff.shortBound })
        #expect(longest[3..<60].allSatisfy { $0 > Backoff.shortBound * 0.9 })
        for (wait, bound) in zip(longest[60...], [2, 4, 8, 16, 30, 30]) {
            #expect(wait <= .seconds(bound) && wait > .seconds(bound) * 0.9, "\(longest[60...])")
        }
    }

    @Test func `a peer that refuses is not asked more often because it was away before`() {
        let settings = RetrySettings(initial: .milliseconds(500), factor: 2, maximum: .seconds(30), attempts: 0)
        var random = SeededGenerator(seed: 5)
        var longest = Duration.zero
        for _ in 0..<200 {
            var backoff = Backoff(settings)
            for _ in 0..<7 { longest = max(longest, backoff.next(using: &random)) }
        }
        #expect(longest > .seconds(25))
    }

    @Test func `a first wait that is configured longer stays as it is`() {
        let settings = RetrySettings(initial: .seconds(20), factor: 2, maximum: .seconds(60), attempts: 0)
        var random = SeededGenerator(seed: 6)
        var longest = Duration.zero
        for _ in 0..<200 {
            var backoff = Backoff(settings)
            for _ in 0..<3 { longest = max(longest, backoff.next(isOutage: true, using: &random)) }
        }
        #expect(longest <= .seconds(20) && longest > .seconds(18))
    }
}
