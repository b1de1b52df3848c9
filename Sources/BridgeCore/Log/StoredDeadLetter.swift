package import NIOCore

/// One dead letter as a log on disk keeps it.
package struct StoredDeadLetter: Sendable {
    /// The progress of a dead letter.
    package enum State: String, Sendable {
        /// It waits for an operator.
        case kept
        /// An operator has requested another delivery; it has not begun.
        case requested = "retry requested"
        /// It is pending for a sink: the one that abandoned it, or a dead-letter sink.
        case inDelivery = "in delivery"
    }

    /// The number that operators use; unique within the log and never reused.
    package var id: Int64
    /// When the event was abandoned.
    package var time: Timestamp
    /// The sink that abandoned it; empty when no route matched the event or the source abandoned it.
    package var sink: String
    /// The route that chose the sink; empty when no route did.
    package var route: String
    /// Which of the sink's settings applied; see ``Delivery/variant``.
    package var variant: Int
    /// Why the event was abandoned, worded for operators.
    package var reason: String
    /// The number of attempts.
    package var attempts: Int
    /// The sink that it is pending for: a dead-letter sink or the one that abandoned it; `nil` when it is only kept.
    package var target: String?
    /// The event as prepared for the sink.
    package var event: Event
    /// The position of the abandoned event in the log.
    package var position: Position
    /// See ``ReceivedMessage/repeatKey``; for messages that a source abandoned.
    package var repeatKey: UInt64?
    /// Whether it is kept, is to be replayed, or is being delivered.
    package var state: State

    /// Makes a dead letter.
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

    /// The event for a dead-letter sink.
    package var undelivered: Event { self.deadLetter.event(of: self.event) }

    /// Everything about it on one line: number, time, state, and the payload for a dead-letter sink.
    package var json: ByteBuffer {
        var json = ByteBuffer(string: "{\"number\":\(self.id),\"time\":\"\(self.time)\",\"state\":\"\(self.state.rawValue)\",")
        self.deadLetter.writeMembers(about: self.event, to: &json)
        json.writeString("}")
        return json
    }
}

/// A change to the dead letters.
package enum DeadLetterChange: Sendable {
    /// Adds it, or replaces the one with the same id.
    case keep(StoredDeadLetter)
    /// It is no longer pending for a sink, only kept.
    case hold(Int64)
    /// It was delivered and is removed.
    case forget(Int64)
}

/// Dead letters from a log on disk, ordered by id.
package struct FoundDeadLetters: Sendable {
    /// The dead letters that can be read.
    package var letters: [StoredDeadLetter] = []
    /// The ids of those whose event is unreadable; they stay until an operator drops them.
    package var unreadable: [Int64] = []

    /// Whether there may be more, because a limit in number or weight was reached.
    package var hasMore = false

    /// Makes an empty result.
    package init() {}
}
