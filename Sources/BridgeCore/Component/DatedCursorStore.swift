/// A store that knows when a cursor was moved, so that the newer of two stores can be determined.
package protocol DatedCursorStore: CursorStore {
    /// When the cursor of a source was last moved, by the wall clock; `nil` when there is none.
    func time(of source: String) -> Timestamp?
}
