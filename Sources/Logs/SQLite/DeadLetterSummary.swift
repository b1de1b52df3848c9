package import BridgeCore

/// One dead letter in a list: everything but its event, and whether that is readable.
package struct DeadLetterSummary: Sendable {
    /// Its number, by which commands select it; never reused.
    package let id: Int64
    /// When the event was abandoned.
    package let time: Timestamp
    /// Whether it is kept, requested again or in flight.
    package let state: StoredDeadLetter.State
    /// The sink that abandoned it; empty when none did.
    package let sink: String
    /// The number of attempts before that.
    package let attempts: Int
    /// The subject of its event; see ``Event/subject``.
    package let subject: String
    /// Why it was abandoned.
    package let reason: String
    /// Whether its event is readable; an unreadable one is never delivered.
    package let isReadable: Bool
}
