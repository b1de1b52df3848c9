/// The bytes of one batch for the subscribers of a view.
struct SSERenderedBatch: Sendable {
    let view: SSEView
    let bytes: SSEBytes
    /// The number of events in it.
    let count: Int
    /// The sequence up to which a subscriber must have everything to receive this next.
    let previous: UInt64
    /// That of its last event.
    let last: UInt64
}
