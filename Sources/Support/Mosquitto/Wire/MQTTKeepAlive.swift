/// Decides when to ping the broker, and when a silent broker counts as gone (MQTT 5 §3.1.2.10).
///
/// A ping is due when nothing was sent or received for three quarters of the interval. The broker is given up when
/// nothing arrives for another half interval: five quarters after its last data. While reading is paused, no answer can
/// arrive; pings continue for the broker's keep-alive. Performs no I/O.
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

    /// Records that bytes have arrived.
    mutating func received(at now: ContinuousClock.Instant) {
        self.lastReceived = now
        self.asked = nil
    }

    /// - Parameter reads: whether data from the broker is being read.
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
