import BridgeCore
import Glibc

/// Prevents other processes from opening the same file as a log.
///
/// Released with its last reference, or with the process. Closing any descriptor of the file releases SQLite's own
/// locks on it in this process, so this object must outlive the connection.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; retries for 200 ms.
    ///
    /// - Throws: ``LogError`` when another process holds it.
    init(path: String) throws {
        let descriptor = try Self.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
        // A command that checks ``isHeldByAnother`` holds a shared lock for a moment.
        var triesLeft = 20
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard triesLeft > 0 else {
                close(descriptor)
                throw LogError("the log \(path) is in use by another streambridge; give each its own file")
            }
            triesLeft -= 1
            usleep(10_000)
        }
        self.descriptor = descriptor
    }

    /// Opens the file for ``isHeldByAnother`` only.
    ///
    /// - Throws: ``LogError``.
    init(lookingAt path: String) throws {
        self.descriptor = try Self.open(path, O_RDONLY | O_CLOEXEC)
    }

    deinit {
        close(self.descriptor)
    }

    /// Whether a running program has the file open as its log.
    var isHeldByAnother: Bool {
        guard flock(self.descriptor, LOCK_SH | LOCK_NB) == 0 else { return true }
        flock(self.descriptor, LOCK_UN)
        return false
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        // Checked before the open, which would block on a named pipe.
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw LogError("the log \(path) is not a regular file; name another file")
        }
        let descriptor = Glibc.open(path, flags, 0o640)
        guard descriptor >= 0 else {
            let reason = errno
            throw LogError(
                "the log \(path) cannot be opened: \(String(cString: strerror(reason)))",
                isTransient: LogError.isTransient(reason))
        }
        return descriptor
    }
}
