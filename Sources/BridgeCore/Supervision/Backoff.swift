/// Computes the wait before the next attempt: a random part of a growing bound ("full jitter").
///
/// The bound starts at `initial` and grows by `factor` up to `maximum`. While a peer is unreachable it stays at
/// ``shortBound`` for the first ``shortOutage``, so that a short outage has short waits only.
///
/// A value type; the caller waits.
package struct Backoff: Sendable {
    /// How long a peer may be unreachable before the waits grow beyond ``shortBound``.
    package static let shortOutage = Duration.seconds(60)
    /// The longest wait within ``shortOutage``, unless `initial` is longer.
    package static let shortBound = Duration.seconds(2)

    private let settings: RetrySettings
    private var attempt = 0
    private var failingSince: ContinuousClock.Instant?

    /// Makes a back-off at its start.
    package init(_ settings: RetrySettings) {
        self.settings = settings
    }

    /// The wait before the next attempt.
    ///
    /// Each call raises the bound, except within the first ``shortOutage`` of an outage after ``shortBound`` is
    /// reached.
    ///
    /// - Parameters:
    ///   - isOutage: whether the peer is unreachable, silent or disconnected.
    ///   - leastWait: the wait that the peer asked for; the result is never shorter.
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

    /// Restarts the bound after a successful attempt.
    package mutating func reset() {
        self.attempt = 0
        self.failingSince = nil
    }
}
