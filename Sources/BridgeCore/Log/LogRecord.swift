import NIOCore

/// One event in the log with its deliveries.
struct LogRecord: Sendable {
    let event: Event
    let routing: Routing
    /// When it was appended.
    let accepted: ContinuousClock.Instant
    /// See ``ReceivedMessage/repeatKey``.
    var repeatKey: UInt64?

    init(event: Event, routing: Routing, accepted: ContinuousClock.Instant, repeatKey: UInt64? = nil) {
        self.event = event
        self.routing = routing
        self.accepted = accepted
        self.repeatKey = repeatKey
    }

    /// The event of a delivery: unchanged, or a copy that `set:` made.
    func event(of entry: RoutePlan.Entry) -> Event {
        entry.shape < 0 ? self.event : self.routing.shaped[entry.shape]
    }
}
