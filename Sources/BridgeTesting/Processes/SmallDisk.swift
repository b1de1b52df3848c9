import Glibc

/// A file system of a few MiB in memory, on which the program keeps its log, and which can be full.
///
/// Root alone may mount one. Unmounted with the last reference.
package final class SmallDisk: Sendable {
    private let directory: TemporaryDirectory

    /// Why none can be had here; `nil` where one can.
    package static let obstacle: String? = {
        guard geteuid() == 0 else { return "the disk is never filled: mounting one needs root" }
        do {
            let disk = try SmallDisk.mounted()
            withExtendedLifetime(disk) {}
            return nil
        } catch {
            return "the disk is never filled: \(error)"
        }
    }()

    private init(directory: TemporaryDirectory) {
        self.directory = directory
    }

    deinit {
        // At once, even while a process has a file open.
        umount2(self.directory.path, Int32(MNT_DETACH))
    }

    /// Mounts one.
    ///
    /// - Parameter size: as `mount` takes it, such as `16m`.
    /// - Throws: ``PeerError``.
    package static func mounted(size: String = "16m") throws -> SmallDisk {
        let directory = try TemporaryDirectory()
        guard mount("tmpfs", directory.path, "tmpfs", 0, "size=\(size)") == 0 else { throw PeerError.system("mounting a tmpfs") }
        return SmallDisk(directory: directory)
    }

    /// Where it is mounted.
    package var path: String { self.directory.path }

    /// Leaves no room on it.
    ///
    /// - Throws: ``PeerError``.
    package func fill() throws {
        let path = self.directory.file("ballast")
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw PeerError.system("open \(path)") }
        defer { close(file) }
        let bytes = [UInt8](repeating: 0, count: 4096)
        while write(file, bytes, bytes.count) > 0 {}
        guard errno == ENOSPC else { throw PeerError.system("filling \(path)") }
    }

    /// Gives the room back.
    package func free() {
        unlink(self.directory.file("ballast"))
    }
}
