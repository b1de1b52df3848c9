package import NIOCore

/// One dead letter as a log on disk keeps it.
package struct StoredLetter: Sendable {
    /// How far it is.
    package enum State: String, Sendable {
        /// It waits for an operator.
        case kept
        /// It is to be delivered once more.
        case asked = "asked for"
        /// A sink is being given it: the one that gave it up, or one for dead letters.
        case onItsWay = "on its way"
    }

    package var id: Int64
    /// When the sink gave it up.
    package var time: Timestamp
    /// The sink that gave it up; empty when no route took the event or the source gave it up.
    package var sink: String
    package var route: String
    /// Which of the sink's settings applied; see ``Delivery/variant``.
    package var variant: Int
    package var reason: String
    package var attempts: Int
    /// The dead-letter sink that is still owed it; `nil` when it is only kept.
    package var target: String?
    /// The event as the sink was to have it.
    package var event: Event
    package var position: Position
    /// See ``ReceivedMessage/repeatKey``; of what a source gave up.
    package var repeatKey: UInt64?
    package var state: State

    package init(
        id: Int64, time: Timestamp, sink: String, route: String, reason: String, attempts: Int, target: String?, event: Event,
        position: Position, repeatKey: UInt64? = nil, state: State = .kept, variant: Int = 0
    ) {
        self.id = id
        self.time = time
        self.sink = sink
        self.route = route
        self.variant = variant
        self.reason = reason
        self.attempts = attempts
        self.target = target
        self.event = event
        self.position = position
        self.repeatKey = repeatKey
        self.state = state
    }

    /// Why it could not be delivered.
    var deadLetter: DeadLetter {
        DeadLetter(reason: self.reason, sink: self.sink, route: self.route, attempts: self.attempts)
    }

    /// Everything that is known of it, as one line: its number, its time, its state, and what a dead-letter sink gets as the payload.
    package var json: ByteBuffer {
        var json = ByteBuffer(string: "{\"number\":\(self.id),\"time\":\"\(self.time)\",\"state\":\"\(self.state.rawValue)\",")
        self.deadLetter.writeMembers(about: self.event, to: &json)
        json.writeString("}")
        return json
    }
}
