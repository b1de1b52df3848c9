/// One event as a log on disk keeps it: with its place and with the names of the sinks and routes that it goes to.
package struct StoredEvent: Sendable {
    /// One delivery of an event, by names, because the file may have changed when it is read again.
    package struct Target: Sendable, Hashable {
        package var sink: String
        /// See ``RouteTargets/variant(sink:route:wanted:)``.
        package var route: String
        /// Which of the sink's settings apply; see ``Delivery/variant``.
        package var variant: Int
        /// Which of ``StoredEvent/copies`` goes; -1 for the event as it is.
        package var copy: Int
        /// See ``Delivery/key``.
        package var key: DedupeKey?

        package init(sink: String, route: String, variant: Int, copy: Int, key: DedupeKey? = nil) {
            self.sink = sink
            self.route = route
            self.variant = variant
            self.copy = copy
            self.key = key
        }
    }

    package var position: Position
    package var accepted: Timestamp
    package var event: Event
    package var targets: [Target]
    /// The changed copies that routes made.
    package var copies: [Event]
    package var repeatKey: UInt64?

    package init(
        position: Position, accepted: Timestamp, event: Event, targets: [Target], copies: [Event] = [], repeatKey: UInt64? = nil
    ) {
        self.position = position
        self.accepted = accepted
        self.event = event
        self.targets = targets
        self.copies = copies
        self.repeatKey = repeatKey
    }

    /// The event that a delivery carries.
    package func event(for target: Target) -> Event {
        self.copies.indices.contains(target.copy) ? self.copies[target.copy] : self.event
    }
}
