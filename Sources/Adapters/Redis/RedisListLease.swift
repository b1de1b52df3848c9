/// The time for which a reader may change its processing list: others take it over after a time without a sign of life.
///
/// A reader that was suspended, with its process or its machine, must give a sign of life before it removes messages:
/// by then others may have them.
struct RedisListLease: Sendable {
    private let claimAfter: Duration
    private var last: ContinuousClock.Instant

    /// - Parameters:
    ///   - claimAfter: when others take over.
    ///   - now: when the first sign of life was sent.
    init(claimAfter: Duration, now: ContinuousClock.Instant) {
        self.claimAfter = claimAfter
        self.last = now
    }

    /// The time between two signs of life.
    var interval: Duration { self.claimAfter / 3 }

    /// Whether others may soon count the reader as gone.
    func isStale(at now: ContinuousClock.Instant) -> Bool { now - self.last > self.claimAfter / 3 * 2 }

    /// Records a sign of life that the server has answered.
    ///
    /// - Parameter sent: when it was sent.
    mutating func renewed(sent: ContinuousClock.Instant) {
        self.last = max(self.last, sent)
    }
}
