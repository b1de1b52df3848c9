import BridgeCore
import Glibc

/// How far the write-ahead log of the file may grow before its pages are written into the database.
///
/// Every transaction appends all the pages that it changed, so the journal grows to many times the content between two checkpoints. A
/// checkpoint needs room in the database for the new pages among them. So on a small disk the journal may take only a small part.
struct JournalLimit: Equatable {
    /// Bytes of a page of a new file.
    static let pageSize = 8192
    /// How many commits are made before the room is measured again.
    static let commitsBetween = 1024
    private static let pages = 32...2000

    /// Pages in the journal after which a checkpoint is made.
    let pages: Int

    /// - Parameter room: bytes that the log may take on its disk, those that it has included.
    init(room: Int) {
        self.pages = min(max(room / 32 / Self.pageSize, Self.pages.lowerBound), Self.pages.upperBound)
    }

    /// By what the disk has free and what the log has of it already.
    init(path: String) {
        var disk = statvfs()
        // Where it cannot be measured, the disk is taken for a large one.
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

    /// Sets the limit of a connection, and that of the room that an empty journal keeps.
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
