/// When a message counts as safe, so that its source may acknowledge it: `ack:` in the file.
package enum AcknowledgePolicy: String, Sendable, CaseIterable {
    /// As soon as it is in the program's memory.
    case received
    /// Once it is in the log; with a memory log that is the same as ``received``.
    case logged
    /// Once every sink that a route chose has confirmed it, or it is in the dead-letter sink.
    case delivered

    /// Everything of a source up to this position is safe, and the source may acknowledge it.
    ///
    /// - Parameters:
    ///   - appended: the position of the last event that the source appended.
    ///   - visible: everything up to here is committed to the log.
    ///   - floor: the oldest position that is pending for a sink; `nil` when none is.
    func safe(appended: Position, visible: Position, floor: Position?) -> Position {
        switch self {
        case .received: appended
        case .logged: min(appended, visible)
        case .delivered: min(appended, visible, floor?.previous ?? appended)
        }
    }
}
