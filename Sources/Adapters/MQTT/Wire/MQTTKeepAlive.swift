/// Decides when to ping the broker, and when a broker that says nothing is gone (MQTT 5 §3.1.2.10).
///
/// A ping is due when nothing was sent or nothing came for three quarters of the interval, and the broker is given up when nothing has come half an
/// interval after that: five quarters after its last sign of life. While nothing is read, no answer can be seen; pings go on, for the broker's sake. Without I/O.
struct MQTTKeepAlive {
    enum Action: Equatable {
        case none
        case ping
        /// The broker has not given a sign of life in time.
        case giveUp
    }

    /// Zero for none.
    let interval: Duration
    private var lastSent: ContinuousClock.Instant
    private var lastReceived: ContinuousClock.Instant
    /// Since when an answer is awaited.
    private var asked: ContinuousClock.Instant?
    /// Whether the ping has left, and the broker could answer it.
    private var hasLeft = false

    init(interval: Duration, now: ContinuousClock.Instant) {
        self.interval = interval
        self.lastSent = now
        self.lastReceived = now
    }

    /// The network has taken bytes.
    ///
    /// - Parameter isAll: whether none are left, a ping among them.
    mutating func sent(at now: ContinuousClock.Instant, isAll: Bool) {
        self.lastSent = now
        guard self.asked != nil, !self.hasLeft else { return }
        // A broker that takes a large message slowly is not gone.
        self.asked = now
        self.hasLeft = isAll
    }

    /// Bytes have come.
    mutating func received(at now: ContinuousClock.Instant) {
        self.lastReceived = now
        self.asked = nil
    }

    /// - Parameter reads: whether what the broker says is read now.
    mutating func act(at now: ContinuousClock.Instant, reads: Bool) -> Action {
        guard self.interval != .zero else { return .none }
        if !reads {
            self.asked = nil
            self.lastReceived = now
        }
        if let asked = self.asked { return now - asked >= self.interval / 2 ? .giveUp : .none }
        guard now - min(self.lastSent, self.lastReceived) >= self.interval * 3 / 4 else { return .none }
        self.lastSent = now
        if reads {
            self.asked = now
            self.hasLeft = false
        }
        return .ping
    }

    /// How long nothing can become due, at most ten seconds.
    func wait(from now: ContinuousClock.Instant) -> Duration {
        guard self.interval != .zero else { return .seconds(30) }
        let due =
            if let asked = self.asked { asked + self.interval / 2 } else {
                min(self.lastSent, self.lastReceived) + self.interval * 3 / 4
            }
        return min(max(due - now, .zero), .seconds(10))
    }
}
