/// Keeps how far a source has read of a peer that can be read again: an SSE `Last-Event-ID`, a Redis stream's entry id.
///
/// Thread-safe. A cursor is opaque text of the source that wrote it, at most 4 KiB.
package protocol CursorStore: Sendable {
    /// The cursor last moved for this source, `nil` when there is none. Called when the source connects.
    func cursor(of source: String) -> String?

    /// Moves the cursor. Called only once everything up to it is safe; at most a few times a second, batches are merged.
    ///
    /// - Throws: a ``ComponentError`` when it cannot be kept; the source then stops reading and is tried again.
    func move(_ cursor: String, of source: String) throws

    /// Calls once everything that has been moved so far is kept, from any thread; perhaps at once.
    func whenKept(_ body: @escaping @Sendable () -> Void)
}

extension CursorStore {
    /// For stores that keep a cursor before ``move(_:of:)`` returns.
    package func whenKept(_ body: @escaping @Sendable () -> Void) {
        body()
    }
}
