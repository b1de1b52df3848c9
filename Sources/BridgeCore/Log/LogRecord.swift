import NIOCore

/// One event in the log and where it goes.
struct LogRecord: Sendable {
    let event: Event
    let routing: Routing
    /// When it was appended.
    let accepted: ContinuousClock.Instant

    /// What a delivery of this record carries: the event as it is, or a copy that `set:` made.
    func event(of entry: RoutePlan.Entry) -> Event {
        entry.shape < 0 ? self.event : self.routing.shaped[entry.shape]
    }
}

extension Event {
    /// What the event weighs in the bounds of buffers and log: its bodies and a flat charge for the rest, in bytes.
    var weight: Int { self.json.readableBytes + self.raw.readableBytes + 256 }
}
