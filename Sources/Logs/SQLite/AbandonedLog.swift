import BridgeCore
import Glibc

/// The contents of a log that the configuration file no longer names.
package struct AbandonedLog: Sendable, Equatable {
    /// The number of deliveries that are pending for its sinks, and of events and digests that routes hold.
    package let undelivered: Int
    /// The number of dead letters.
    package let letters: Int

    /// Opens a file and counts, without changing its contents.
    ///
    /// - Parameters:
    ///   - path: where a log may be.
    ///   - log: the log that this program has open; never inspected.
    /// - Returns: `nil` when there is no log, when it has neither pending deliveries nor dead letters, and when a
    ///   program has it open.
    /// - Throws: ``LogError`` when the file cannot be read.
    package static func find(at path: String, besides log: String? = nil) throws -> AbandonedLog? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 0 else { return nil }
        var own = stat()
        // Not opened: closing any descriptor of a database releases the locks that this process has on it.
        if let log, stat(log, &own) == 0, own.st_dev == status.st_dev, own.st_ino == status.st_ino { return nil }
        if try FileLock(lookingAt: path).isHeldByAnother { return nil }
        let connection = try SQLiteConnection(path: path, creates: false)
        guard try connection.integer("PRAGMA application_id") == LogSchema.application else { return nil }
        var contents = LogContents()
        // No sink counts as configured, so the pending deliveries of every sink are counted.
        try BacklogCount(connection, sinks: [], head: .start, EventRows(bridge: "")).fill(&contents, connection)
        var held: Int64 = 0
        if try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'held_events'") == 1 {
            held = try connection.integer(
                "SELECT (SELECT count(*) FROM held_events) + (SELECT count(*) FROM flow_states WHERE tool = 'digest')")
        }
        let left = AbandonedLog(
            undelivered: contents.orphans.values.reduce(0, +) + Int(held),
            letters: Int(try connection.integer("SELECT count(*) FROM dead_letters"))
        )
        return left.undelivered + left.letters > 0 ? left : nil
    }
}
