package import NIOCore

/// One dead letter as a log on disk keeps it.
package struct StoredDeadLetter: Sendable {
    /// How far it is.
    package enum State: String, Sendable {
        /// It waits for an operator.
        case kept
        /// It is to be delivered once more.
        case asked = "asked for"
        /// A sink is being given it: the one that gave it up, or one for dead letters.
        case onItsWay = "on its way"
    }

    /// The number that operators use for it; unique within the log and never given again.
    package var id: Int64
    /// When the sink gave it up.
    package var time: Timestamp
    /// The sink that gave it up; empty when no route took the event or the source gave it up.
    package var sink: String
    /// The route that chose the sink; empty when no route did.
    package var route: String
    /// Which of the sink's settings applied; see ``Delivery/variant``.
    package var variant: Int
    /// Why the event was given up, as an operator reads it.
    package var reason: String
    /// How often the sink had attempted the delivery.
    package var attempts: Int
    /// The sink that is owed it, for dead letters or the one that gave it up; `nil` when it is only kept.
    package var target: String?
    /// The event as the sink was to have it.
    package var event: Event
    /// The position in the log of the event that was given up.
    package var position: Position
    /// See ``ReceivedMessage/repeatKey``; of what a source gave up.
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

    /// The event that a sink for dead letters is given.
    package var undelivered: Event { self.deadLetter.event(of: self.event) }

    /// Everything that is known of it, as one line: its number, its time, its state, and what a dead-letter sink gets as the payload.
    package var json: ByteBuffer {
        var json = ByteBuffer(string: "{\"number\":\(self.id),\"time\":\"\(self.time)\",\"state\":\"\(self.state.rawValue)\",")
        self.deadLetter.writeMembers(about: self.event, to: &json)
        json.writeString("}")
        return json
    }
}

/// What becomes of a dead letter.
package enum DeadLetterChange: Sendable {
    /// It is written, over an older one of the same id.
    case keep(StoredDeadLetter)
    /// No sink is owed it any more, it is only kept.
    case hold(Int64)
    /// It was delivered and is removed.
    case forget(Int64)
}

/// Dead letters that were found in a log on disk, in order of their ids.
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
