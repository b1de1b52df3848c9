import NIOCore

/// One event on its way to one sink.
package struct Delivery: Sendable {
    /// The event, as the route has shaped it.
    package let event: Event
    /// Which of the sink's settings apply: 0 for its own, else those of a route's `with:`; see ``Sink/init(variants:context:)``.
    package let variant: Int
    /// The route that chose the sink; empty for dead letters.
    package let route: String
    /// The number of earlier attempts.
    package internal(set) var attempts: Int
    /// How often the peer has refused it temporarily.
    var failures = 0
    /// The time of the first such refusal; meaningless while ``failures`` is 0.
    var firstFailure = NIODeadline.uptimeNanoseconds(0)
    /// The event's position in the log.
    package let position: Position
    /// Increases with each delivery that the inlet hands out; what ``SinkInlet/confirm(through:)`` compares.
    package internal(set) var ticket: UInt64
    /// When the event was appended to the log.
    let accepted: ContinuousClock.Instant
    /// The dead letter behind this delivery, whether the dead letter itself is delivered or its event is replayed.
    var letter: Int64?
    /// The key of the route's `dedupe:`; `nil` for routes without.
    var key: DedupeKey?
    /// Results of the expressions in the sink's templates, evaluated in advance; `nil` where there are none.
    var prepared: PreparedValues?

    /// - Parameter accepted: when the event was appended to the log; now, unless it comes from a log on disk.
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

    /// Whether an operator replays a dead letter's event to the sink that abandoned it.
    var isReplay: Bool { self.letter != nil && self.event.kind != .deadLetter }

    /// The same for every attempt at this delivery and different for every other: an idempotency key for peers that
    /// support one.
    ///
    /// The event's id. If that comes from a server's stream, where another server may use it too, a hash of the
    /// source's name follows.
    package var idempotencyKey: String {
        guard self.event.attributes[Self.placeAttribute] == self.event.id else { return self.event.id }
        var hash = Fingerprint()
        hash.add(self.event.source)
        return "\(self.event.id).\(hash.value.hexadecimal)"
    }

    /// The attribute with the id of an SSE event as its server sent it.
    private static let placeAttribute = "sse-id"
}
