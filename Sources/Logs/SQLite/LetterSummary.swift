package import BridgeCore

/// What a list says of a dead letter: everything but its event, and whether that can be read.
package struct LetterSummary: Sendable {
    package let id: Int64
    /// When the sink gave it up.
    package let time: Timestamp
    package let state: StoredLetter.State
    /// The sink that gave it up; empty when none did.
    package let sink: String
    package let attempts: Int
    package let subject: String
    package let reason: String
    /// Whether its event can be read; one that cannot is not delivered any more.
    package let isReadable: Bool
}
