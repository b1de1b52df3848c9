/// How long to wait before the next attempt: a random part of a bound that grows ("full jitter").
///
/// A value; the caller waits.
package struct Backoff: Sendable {
    private let settings: RetrySettings
    private var attempt = 0

    package init(_ settings: RetrySettings) {
        self.settings = settings
    }

    /// The wait before the next attempt.
    ///
    /// Each call raises the bound, up to the settings' maximum.
    ///
    /// - Parameter leastWait: what the peer asked for; the wait is never shorter.
    package mutating func next<Generator: RandomNumberGenerator>(
        leastWait: Duration? = nil, using generator: inout Generator
    ) -> Duration {
        var bound = self.settings.initial
        for _ in 0..<self.attempt where bound < self.settings.maximum { bound = bound * self.settings.factor }
        self.attempt += 1
        let wait = min(bound, self.settings.maximum) * Double.random(in: 0...1, using: &generator)
        return max(wait, leastWait ?? .zero)
    }

    /// The last attempt was of use: the next wait starts small again.
    package mutating func reset() {
        self.attempt = 0
    }
}
