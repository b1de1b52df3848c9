import JSON

/// Makes events of received messages. Never fails: what cannot be read becomes an event that says so.
///
/// One per source, used under its outlet's lock: not thread-safe.
package final class Normaliser {
    /// What became of one message.
    package struct Outcome {
        package let event: Event
        /// The body was already the model's own JSON (only its keys), with an id and timestamp of its own.
        package let isNative: Bool
        /// Why the body could not be read as what it said it was; counted by the outlet.
        package let problem: String?
    }

    /// - Parameters:
    ///   - source: the name in the file.
    ///   - bridge: this bridge's name, the origin of events that bring none.
    package init(source: String, settings: NormaliseSettings, bridge: String) {
        fatalError()
    }

    /// Makes the event of one message.
    package func event(from message: ReceivedMessage, now: Timestamp) -> Outcome {
        fatalError()
    }
}
