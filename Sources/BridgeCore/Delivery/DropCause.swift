/// Why an event does not reach the sink that a route chose; the `reason` label of the counters.
enum DropCause: String, Sendable, CaseIterable {
    case overflow
    case refused
    case attempts
}
