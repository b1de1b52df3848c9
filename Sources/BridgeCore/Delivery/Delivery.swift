/// One event on its way to one sink.
package struct Delivery: Sendable {
    package let event: Event
    /// Which of the sink's settings apply: 0 for its own, else those of a route's `with:`; see ``Sink/init(variants:context:)``.
    package let variant: Int
    /// The route that chose the sink; empty for dead letters.
    package let route: String
    /// How often it has been offered before, 0 at first.
    package internal(set) var attempts: Int
    /// The event's place in the log.
    package let position: Position
    /// Grows with each delivery that the inlet hands out; what ``SinkInlet/confirm(through:)`` compares.
    package internal(set) var ticket: UInt64
    /// When the event was appended to the log.
    let accepted: ContinuousClock.Instant

    /// - Parameter accepted: when the event was appended to the log; now, unless the log says otherwise.
    package init(
        event: Event, variant: Int, route: String, attempts: Int, position: Position, ticket: UInt64,
        accepted: ContinuousClock.Instant = .now
    ) {
        self.event = event
        self.variant = variant
        self.route = route
        self.attempts = attempts
        self.position = position
        self.ticket = ticket
        self.accepted = accepted
    }

    /// The same for every attempt at this delivery and different for every other: an idempotency key for peers that take one.
    package var idempotencyKey: String { self.event.id }
}
