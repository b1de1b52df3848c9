/// Stores how far a source has read from its peer, such as an SSE `Last-Event-ID` or a Redis stream entry id.
///
/// Thread-safe. A cursor is opaque text of the source that wrote it, at most 4 KiB.
package protocol CursorStore: Sendable {
    /// The cursor last moved for a source; `nil` when there is none. Read when the source connects.
    func cursor(of source: String) -> String?

    /// Moves the cursor; called only when everything up to it is safe.
    ///
    /// Sources merge batches and call it at most a few times a second.
    ///
    /// - Throws: ``ComponentError`` when the cursor cannot be stored; the source then stops reading and retries.
    func move(_ cursor: String, of source: String) throws

    /// Calls `body` once every cursor moved up to now is stored, from any thread, possibly before it returns.
    func onceKept(_ body: @escaping @Sendable () -> Void)
}

extension CursorStore {
    /// Calls `body` at once, for stores whose ``move(_:of:)`` returns after the cursor is stored.
    package func onceKept(_ body: @escaping @Sendable () -> Void) {
        body()
    }
}

/// A store that knows when a cursor was moved, so that the newer of two stores can be determined.
package protocol DatedCursorStore: CursorStore {
    /// When the cursor of a source was last moved, by the wall clock; `nil` when there is none.
    func time(of source: String) -> Timestamp?
}
