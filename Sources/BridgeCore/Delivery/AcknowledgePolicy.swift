/// When a message counts as safe, so that its source may acknowledge it: `ack:` in the file.
package enum AcknowledgePolicy: String, Sendable, CaseIterable {
    /// As soon as it is in the program's memory.
    case received
    /// Once it is in the log; with a memory log that is the same as ``received``.
    case logged
    /// Once every sink that a route chose for it has confirmed it, or it is in the dead-letter sink.
    case delivered
}
