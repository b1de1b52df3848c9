/// One event as stored in a log on disk: with its position and the names of its sinks and routes.
package struct StoredEvent: Sendable {
    /// One delivery of an event, by names, because the configuration may have changed when it is read again.
    package struct Target: Sendable, Hashable {
        /// The name of the sink.
        package var sink: String
        /// See ``RouteTargets/variant(sink:route:wanted:)``.
        package var route: String
        /// Which of the sink's settings apply; see ``Delivery/variant``.
        package var variant: Int
        /// The index into ``StoredEvent/copies``; -1 for the unchanged event.
        package var copy: Int
        /// See ``Delivery/key``.
        package var key: DedupeKey?

        /// Makes a target.
        package init(sink: String, route: String, variant: Int, copy: Int, key: DedupeKey? = nil) {
            self.sink = sink
            self.route = route
            self.variant = variant
            self.copy = copy
            self.key = key
        }
    }

    /// The event's position in the log.
    package var position: Position
    /// When the bridge accepted the event.
    package var accepted: Timestamp
    /// The event as its source received it.
    package var event: Event
    /// The unsettled deliveries of the event.
    package var targets: [Target]
    /// The changed copies that routes made.
    package var copies: [Event]
    /// See ``ReceivedMessage/repeatKey``; `nil` when the source does not recognise duplicates by it.
    package var repeatKey: UInt64?
    /// The dead letter that it is, or that it replays: see ``StoredDeadLetter/id``.
    package var letter: Int64?

    /// Makes a stored event.
    package init(
        position: Position, accepted: Timestamp, event: Event, targets: [Target], copies: [Event] = [], repeatKey: UInt64? = nil,
        letter: Int64? = nil
    ) {
        self.position = position
        self.accepted = accepted
        self.event = event
        self.targets = targets
        self.copies = copies
        self.repeatKey = repeatKey
        self.letter = letter
    }

    /// The event that a delivery carries.
    package func event(for target: Target) -> Event {
        self.copies.indices.contains(target.copy) ? self.copies[target.copy] : self.event
    }
}
