import BridgeCore
import Glibc

/// Keeps other processes from opening the same file as a log.
///
/// Released with its last reference, or with the process. Closing any descriptor of the file ends SQLite's own locks on it in this process, so
/// it outlives the connection.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: ``LogError`` when another process has it.
    init(path: String) throws {
        let descriptor = try Self.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
        // A command that looks whether a program runs has the lock for a moment itself.
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

    /// Only opens the file, for ``isHeldByAnother``.
    ///
    /// - Throws: ``LogError``.
    init(lookingAt path: String) throws {
        self.descriptor = try Self.open(path, O_RDONLY | O_CLOEXEC)
    }

    deinit {
        close(self.descriptor)
    }

    /// Whether a program runs with the file as its log.
    var isHeldByAnother: Bool {
        guard flock(self.descriptor, LOCK_SH | LOCK_NB) == 0 else { return true }
        flock(self.descriptor, LOCK_UN)
        return false
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        // Before it is opened, which for a pipe would wait for somebody at its other end.
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw LogError("the log \(path) is no regular file; name a file of its own")
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
