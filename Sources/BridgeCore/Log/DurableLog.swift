import PollThread

/// An open log on disk with its contents, for the ``Bridge`` that continues it.
///
/// Used by one bridge, once.
package struct DurableLog: Sendable {
    let store: any LogStore
    let contents: LogContents
    /// The cursors of the sources, kept in the same file as the events.
    package let cursors: LogCursors
    let thread: PollThread

    /// - Parameter older: a store with cursors from before there was a log on disk.
    /// - Throws: `PollThreadError` when the process cannot start another thread.
    package init(store: any LogStore, contents: LogContents, older: (any CursorStore)? = nil) throws {
        self.store = store
        self.contents = contents
        self.cursors = LogCursors(contents.cursors, written: contents.cursorsWritten, older: older)
        self.thread = try PollThread(name: "log")
    }
}
