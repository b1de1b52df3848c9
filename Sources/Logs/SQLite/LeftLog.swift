import BridgeCore
import Glibc

/// What a log still holds that the configuration file no longer names.
package struct LeftLog: Sendable, Equatable {
    /// Deliveries that sinks are owed.
    package let undelivered: Int
    package let letters: Int

    /// Looks into a file, without changing what it holds.
    ///
    /// - Parameters:
    ///   - path: where a log may be.
    ///   - log: the log that this program runs with, which is never left.
    /// - Returns: `nil` when there is no log, when it holds nothing that anybody waits for, and when a program runs with it.
    /// - Throws: ``LogError`` when the file cannot be read.
    package static func find(at path: String, besides log: String? = nil) throws -> LeftLog? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 0 else { return nil }
        var own = stat()
        // Not even opened: closing any descriptor of a database ends the locks that this process has on it.
        if let log, stat(log, &own) == 0, own.st_dev == status.st_dev, own.st_ino == status.st_ino { return nil }
        if try FileLock(lookingAt: path).isHeldByAnother { return nil }
        let connection = try SQLiteConnection(path: path, creates: false)
        guard try connection.integer("PRAGMA application_id") == LogSchema.application else { return nil }
        var contents = LogContents()
        // No sink is of the file, so that what any of them is owed counts.
        try OwedCount(connection, sinks: [], head: .start, EventRows(bridge: "")).fill(&contents, connection)
        let left = LeftLog(
            undelivered: contents.orphans.values.reduce(0, +),
            letters: Int(try connection.integer("SELECT count(*) FROM dead_letters"))
        )
        return left.undelivered + left.letters > 0 ? left : nil
    }
}
