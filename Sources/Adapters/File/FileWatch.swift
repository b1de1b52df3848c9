import CLinux
import Glibc

/// Hears from the kernel (inotify) that a file has grown or been replaced.
///
/// Only a hint: the reader looks for itself.
final class FileWatch {
    let descriptor: Int32

    /// - Parameters:
    ///   - file: the file that is read, wherever it lies now.
    ///   - path: that of the settings, beside which a new file appears; or beside what it links to.
    /// - Throws: ``FileFailure`` when the kernel gives none; the reader then looks once a second.
    init(_ file: String, path: String) throws {
        self.descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard self.descriptor >= 0 else { throw FileFailure("the kernel has no inotify instance for \(path)") }
        let target = FileRotation.target(of: path)
        let directories = Set([file, path, target].map { FileFailure.directory(of: $0) })
        let watches =
            [(file, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF)] + directories.map { ($0, IN_CREATE | IN_MOVED_TO) }
        for (place, events) in watches {
            // What is not there, or may not be looked at, shows by looking.
            guard inotify_add_watch(self.descriptor, place, UInt32(events)) < 0, errno == ENOSPC || errno == ENOMEM else {
                continue
            }
            throw FileFailure("the kernel has no inotify watch for \(place)")
        }
    }

    deinit {
        close(self.descriptor)
    }

    /// Forgets what was told so far.
    func reset() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(self.descriptor, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
