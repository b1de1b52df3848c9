import BridgeCore

/// One event of a stream with its number, as views render it.
struct SSEItem: Sendable {
    let event: Event
    let sequence: UInt64
    /// The type for its `event:` line; `nil` for none.
    let type: String?
    /// How its stream renders it; `nil` for the event's JSON.
    let content: SSEContent?
    /// Where the snapshot began that it is sent with; 0 outside of a snapshot.
    let snapshot: UInt64

    init(event: Event, sequence: UInt64, type: String? = nil, content: SSEContent? = nil, snapshot: UInt64 = 0) {
        self.event = event
        self.sequence = sequence
        self.type = type
        self.content = content
        self.snapshot = snapshot
    }

    /// The same as an event of a snapshot.
    func within(snapshot: UInt64) -> SSEItem {
        SSEItem(event: self.event, sequence: self.sequence, type: self.type, content: self.content, snapshot: snapshot)
    }
}
