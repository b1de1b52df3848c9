import PollThread

/// A log on disk, opened, with what it held: handed to the ``Bridge`` that goes on with it.
///
/// Used by one bridge, once.
package struct DurableLog: Sendable {
    let store: any LogStore
    let contents: LogContents
    /// The cursors of the sources, kept in the same file as the events.
    package let cursors: LogCursors
    let thread: PollThread

    /// - Parameter older: has the cursors of a time when there was no log on disk.
    /// - Throws: `PollThreadError` when the process has no thread left.
    package init(store: any LogStore, contents: LogContents, older: (any CursorStore)? = nil) throws {
        self.store = store
        self.contents = contents
        self.cursors = LogCursors(contents.cursors, written: contents.cursorsWritten, older: older)
        self.thread = try PollThread(name: "log")
    }
}
