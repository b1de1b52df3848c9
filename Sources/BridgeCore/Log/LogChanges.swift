/// What a log on disk has to write at once, in the order in which it counts: events, what sinks have settled, then the sources' cursors.
package struct LogChanges: Sendable {
    /// In order of position.
    package var events: [StoredEvent] = []
    package var sinks: [SinkMark] = []
    package var letters: [LetterChange] = []
    package var numbers: [NumberedRun] = []
    package var keys: [DeliveredKey] = []
    /// By the name of the source.
    package var cursors: [String: String] = [:]

    package init() {}

    package var isEmpty: Bool {
        self.events.isEmpty && self.sinks.isEmpty && self.letters.isEmpty && self.numbers.isEmpty && self.keys.isEmpty
            && self.cursors.isEmpty
    }
}

/// How far one sink has come.
package struct SinkMark: Sendable, Equatable {
    package var sink: String
    /// Everything up to it is settled.
    package var position: Position
    /// What is settled behind it, in order; at most ``SinkMark/limit``.
    package var ahead: [Position]

    /// How much is kept of what was confirmed out of order; the rest is delivered again after a crash.
    package static let limit = 4096

    package init(sink: String, position: Position, ahead: [Position] = []) {
        self.sink = sink
        self.position = position
        self.ahead = ahead
    }
}

/// What becomes of a dead letter.
package enum LetterChange: Sendable {
    /// It is written, over an older one of the same id.
    case keep(StoredLetter)
    /// No sink is owed it any more, it is only kept.
    case hold(Int64)
    /// It was delivered and is removed.
    case forget(Int64)
}

/// Consecutive deliveries of a sink that numbers what it has published.
package struct NumberedRun: Sendable, Equatable {
    package var sink: String
    package var first: Position
    package var last: Position
    /// How many deliveries.
    package var count: Int
    /// The number of the first; each further delivery has the next.
    package var sequence: UInt64

    package init(sink: String, first: Position, last: Position, count: Int, sequence: UInt64) {
        self.sink = sink
        self.first = first
        self.last = last
        self.count = count
        self.sequence = sequence
    }
}

/// An event that a sink has published under a number.
package struct NumberedEvent: Sendable {
    package var event: Event
    package var sequence: UInt64
    /// When it was accepted.
    package var accepted: Timestamp

    package init(event: Event, sequence: UInt64, accepted: Timestamp) {
        self.event = event
        self.sequence = sequence
        self.accepted = accepted
    }
}

/// What a log still knows of what a sink has published.
package struct SinkHistory: Sendable {
    /// In order of their numbers.
    package var events: [NumberedEvent]
    /// Some event with this number or a lower one is gone; 0 when none is.
    package var forgotten: UInt64

    package init(events: [NumberedEvent] = [], forgotten: UInt64 = 0) {
        self.events = events
        self.forgotten = forgotten
    }
}

/// A key of `dedupe:` whose event has been delivered to a sink.
package struct DeliveredKey: Sendable, Equatable {
    package var sink: String
    package var key: String
    /// Until then events of the same key are not delivered to the sink.
    package var expires: Timestamp

    package init(sink: String, key: String, expires: Timestamp) {
        self.sink = sink
        self.key = key
        self.expires = expires
    }
}
