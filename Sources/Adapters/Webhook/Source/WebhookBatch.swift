/// What becomes of a body that has several items: `batch:` in the file.
package enum WebhookBatch: String, Sendable, CaseIterable {
    /// Each item is an event.
    case split
    /// The body is one event.
    case one
}
