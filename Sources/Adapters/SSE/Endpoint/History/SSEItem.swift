import BridgeCore

/// One event of a stream with its number, as views render it.
struct SSEItem: Sendable {
    let event: Event
    let sequence: UInt64
    /// The type for its `event:` line; `nil` for none.
    let type: String?
    /// How its stream renders it; `nil` for the event's JSON.
    let content: SSEContent?

    init(event: Event, sequence: UInt64, type: String? = nil, content: SSEContent? = nil) {
        self.event = event
        self.sequence = sequence
        self.type = type
        self.content = content
    }
}
