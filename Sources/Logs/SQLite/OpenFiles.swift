import BridgeCore
import Glibc

/// Detects whether the files of an open log are still the ones at their paths.
///
/// SQLite continues with files that were removed or replaced; everything written to them is lost when the program ends.
struct OpenFiles {
    /// The minimum interval between checks, because each costs as much as writing an event.
    private static let patience = Duration.milliseconds(100)

    private let files: [File]
    private var lastGoodLook: ContinuousClock.Instant?

    /// - Parameter path: the database with links resolved; open, so that its side files exist.
    init(_ path: String) {
        self.files = ["", "-wal", "-shm"].compactMap { File(path + $0) }
    }

    /// Checks the files, unless a check succeeded within ``patience``.
    ///
    /// - Parameter atOnce: always checks.
    /// - Throws: ``LogError`` with the remedy.
    mutating func check(atOnce: Bool) throws(LogError) {
        let now = ContinuousClock.now
        if !atOnce, let lastGoodLook, now - lastGoodLook < Self.patience { return }
        self.lastGoodLook = nil
        for file in self.files where !file.isInPlace {
            throw LogError(
                "the log \(self.files[0].path) was removed, replaced or emptied while the program runs"
                    + "\(file.path == self.files[0].path ? "" : " (\(file.path))"); restore the file, or restart with the current one"
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
            // The WAL file may be empty at any time; a database that was written once never is.
            self.isEmpty = status.st_size == 0 || path.hasSuffix("-wal")
        }

        var isInPlace: Bool {
            var status = stat()
            return stat(self.path, &status) == 0 && status.st_dev == self.device && status.st_ino == self.inode
                && (self.isEmpty || status.st_size > 0)
        }
    }
}
