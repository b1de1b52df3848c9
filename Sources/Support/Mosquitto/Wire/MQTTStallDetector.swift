/// Detects a broker that accepts no bytes while some are pending.
///
/// Keep-alive does not cover this case: it may be off, and a source that does not read expects no answer. Any accepted byte restarts the
/// time, so a broker that reads a large message slowly is tolerated. Without I/O.
struct MQTTStallDetector {
    /// How long a broker may accept nothing.
    static let limit = Duration.seconds(30)

    let limit: Duration
    /// Since when bytes have been pending and none accepted; `nil` while none are pending.
    private var since: ContinuousClock.Instant?

    init(limit: Duration = MQTTStallDetector.limit) {
        self.limit = limit
    }

    /// When the connection is dropped unless the broker accepts bytes; `nil` while none are pending.
    var deadline: ContinuousClock.Instant? { self.since.map { $0 + self.limit } }

    /// Records an attempt to send the pending bytes.
    ///
    /// - Parameters:
    ///   - isAll: whether none are left.
    ///   - hasSent: whether any were sent.
    mutating func flushed(isAll: Bool, hasSent: Bool, now: @autoclosure () -> ContinuousClock.Instant) {
        if isAll {
            self.since = nil
        } else if hasSent || self.since == nil {
            self.since = now()
        }
    }

    /// Whether the broker has accepted nothing for ``limit``.
    func isStalled(now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        guard let deadline else { return false }
        return now() >= deadline
    }
}
