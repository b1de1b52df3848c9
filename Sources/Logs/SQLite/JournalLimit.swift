import BridgeCore
import Glibc

/// The size of the write-ahead log at which its pages are written into the database.
///
/// Every transaction appends all the pages that it changed, so the journal grows to many times the content between two
/// checkpoints. A checkpoint needs room in the database for the new pages. On a small disk the journal must therefore
/// stay small.
struct JournalLimit: Equatable {
    /// The size of a page of a new file in bytes.
    static let pageSize = 8192
    /// How many commits are made before the room is measured again.
    static let commitsBetween = 1024
    private static let pages = 32...2000

    /// The number of pages in the journal at which a checkpoint is made.
    let pages: Int

    /// - Parameter room: the disk space for the log in bytes, including its current size.
    init(room: Int) {
        self.pages = min(max(room / 32 / Self.pageSize, Self.pages.lowerBound), Self.pages.upperBound)
    }

    /// Uses the free disk space and the current size of the log.
    init(path: String) {
        var disk = statvfs()
        // If it cannot be measured, assumes a large disk.
        guard statvfs(path, &disk) == 0 else {
            self.init(room: .max)
            return
        }
        let taken = ["", "-wal"].reduce(0) { sum, ending in
            var status = stat()
            return stat(path + ending, &status) == 0 ? sum + Int(status.st_size) : sum
        }
        let (free, isLarge) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
        self.init(room: isLarge ? .max : free.addingReportingOverflow(taken).partialValue)
    }

    /// Sets the limit of a connection, and the size to which an empty journal is truncated.
    ///
    /// - Throws: ``LogError``.
    func apply(to connection: borrowing SQLiteConnection) throws(LogError) {
        try connection.execute(
            """
            PRAGMA wal_autocheckpoint = \(self.pages);
            PRAGMA journal_size_limit = \(self.pages * Self.pageSize);
            """
        )
    }
}
