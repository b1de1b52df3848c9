/// The bounds of everything that waits in the log.
///
/// Above them every source pauses until half is gone.
package struct LogLimits: Sendable, Equatable {
    /// Events in memory that some sink still has to look at; means nothing for a log on disk.
    package var events: Int
    /// What everything not yet confirmed weighs, over all sinks.
    package var bytes: Int

    package init(events: Int = 1_000_000, bytes: Int = 256 << 20) {
        self.events = events
        self.bytes = bytes
    }
}
