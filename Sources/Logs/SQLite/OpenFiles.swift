import BridgeCore
import Glibc

/// The files of an open log, to tell whether they are still the ones that stand at their paths.
///
/// SQLite goes on with files that were removed or replaced, and everything written to those is gone with the program.
struct OpenFiles {
    /// How old the last look may be for a group of changes, because each costs as much as writing an event.
    private static let patience = Duration.milliseconds(100)

    private let files: [File]
    private var lastGoodLook: ContinuousClock.Instant?

    /// - Parameter path: the database, links resolved; it is in use, so that the files beside it are there.
    init(_ path: String) {
        self.files = ["", "-wal", "-shm"].compactMap { File(path + $0) }
    }

    /// Looks, unless that was done with success a moment ago.
    ///
    /// - Parameter atOnce: looks in any case.
    /// - Throws: ``LogError`` with what to do.
    mutating func check(atOnce: Bool) throws(LogError) {
        let now = ContinuousClock.now
        if !atOnce, let lastGoodLook, now - lastGoodLook < Self.patience { return }
        self.lastGoodLook = nil
        for file in self.files where !file.isInPlace {
            throw LogError(
                "the log \(self.files[0].path) was removed, replaced or emptied while the program runs"
                    + "\(file.path == self.files[0].path ? "" : " (\(file.path))"); put the same file back, or restart with what is there"
            )
        }
        self.lastGoodLook = now
    }

    private struct File {
        let path: String
        private let device: dev_t
        private let inode: ino_t
        private let isEmpty: Bool

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.path = path
            self.device = status.st_dev
            self.inode = status.st_ino
            // The one with the log may be empty at any time, a database that was once written never is.
            self.isEmpty = status.st_size == 0 || path.hasSuffix("-wal")
        }

        var isInPlace: Bool {
            var status = stat()
            return stat(self.path, &status) == 0 && status.st_dev == self.device && status.st_ino == self.inode
                && (self.isEmpty || status.st_size > 0)
        }
    }
}
