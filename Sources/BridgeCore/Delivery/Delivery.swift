import NIOCore

/// One event on its way to one sink.
package struct Delivery: Sendable {
    /// The event, as the route has shaped it.
    package let event: Event
    /// Which of the sink's settings apply: 0 for its own, else those of a route's `with:`; see ``Sink/init(variants:context:)``.
    package let variant: Int
    /// The route that chose the sink; empty for dead letters.
    package let route: String
    /// How often it has been offered before, 0 at first.
    package internal(set) var attempts: Int
    /// How often the peer has refused it for now.
    var failures = 0
    /// When it did so first; means nothing while ``failures`` is 0.
    var firstFailure = NIODeadline.uptimeNanoseconds(0)
    /// The event's place in the log.
    package let position: Position
    /// Grows with each delivery that the inlet hands out; what ``SinkInlet/confirm(through:)`` compares.
    package internal(set) var ticket: UInt64
    /// When the event was appended to the log.
    let accepted: ContinuousClock.Instant
    /// The dead letter that this delivery is about: the letter itself on its way to a dead-letter sink, or its event once more.
    var letter: Int64?
    /// The key of the route's `dedupe:` with what makes it different from those of other routes; `nil` for routes without.
    var key: DedupeKey?
    /// What the sink's templates need of expressions, found before it is handed out; `nil` where there is nothing.
    var prepared: PreparedValues?

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

    /// A dead letter's event on its way to the sink that gave it up, as an operator asked.
    var isReplay: Bool { self.letter != nil && self.event.kind != .deadLetter }

    /// The same for every attempt at this delivery and different for every other: an idempotency key for peers that take one.
    ///
    /// The event's id. Where that is a place in a server's stream, which another server may use too, a hash of the source's name follows.
    package var idempotencyKey: String {
        guard self.event.attributes[Self.placeAttribute] == self.event.id else { return self.event.id }
        var hash = Fingerprint()
        hash.add(self.event.source)
        return "\(self.event.id).\(hash.value.hexadecimal)"
    }

    /// The attribute that holds the id of an SSE event as its server sent it.
    private static let placeAttribute = "sse-id"
}
