import BridgeCore
import Glibc

/// Keeps other processes from opening the same file as a log.
///
/// Released with its last reference, or with the process.
final class FileLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        self.descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard self.descriptor >= 0 else {
            throw LogError("the log \(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(self.descriptor)
            throw LogError("the log \(path) is in use by another streambridge; give each its own file")
        }
    }

    deinit {
        close(self.descriptor)
    }
}
