/// How long to wait before the next attempt: a random part of a bound that grows ("full jitter").
///
/// The bound starts at `initial` and grows by `factor` up to `maximum`. While a peer cannot be reached it stays at
/// ``shortBound`` for the first ``shortOutage``, so that a short outage costs short waits only.
///
/// A value; the caller waits.
package struct Backoff: Sendable {
    /// How long a peer may be unreachable before the waits grow.
    package static let shortOutage = Duration.seconds(60)
    /// The longest wait until then, unless `initial` is longer.
    package static let shortBound = Duration.seconds(2)

    private let settings: RetrySettings
    private var attempt = 0
    private var failingSince: ContinuousClock.Instant?

    package init(_ settings: RetrySettings) {
        self.settings = settings
    }

    /// The wait before the next attempt.
    ///
    /// Each call raises the bound, but for those within the first ``shortOutage`` of an outage once ``shortBound`` is reached.
    ///
    /// - Parameters:
    ///   - isOutage: the peer cannot be reached, or has closed the connection.
    ///   - leastWait: what the peer asked for; the wait is never shorter.
    package mutating func next<Generator: RandomNumberGenerator>(
        isOutage: Bool = false, leastWait: Duration? = nil, now: ContinuousClock.Instant = .now,
        using generator: inout Generator
    ) -> Duration {
        let since = self.failingSince ?? now
        self.failingSince = since
        var bound = self.settings.initial
        for _ in 0..<self.attempt where bound < self.settings.maximum { bound = bound * self.settings.factor }
        let short = max(Self.shortBound, self.settings.initial)
        if isOutage, bound >= short, since.duration(to: now) < Self.shortOutage {
            bound = short
        } else {
            self.attempt += 1
        }
        let wait = min(bound, self.settings.maximum) * Double.random(in: 0...1, using: &generator)
        return max(wait, leastWait ?? .zero)
    }

    /// The last attempt succeeded: the next wait starts small again.
    package mutating func reset() {
        self.attempt = 0
        self.failingSince = nil
    }
}
