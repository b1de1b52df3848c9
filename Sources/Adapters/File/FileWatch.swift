import CLinux
import Glibc

/// Notifies (inotify) when a file may have grown or been replaced.
///
/// Only a hint: the reader checks the file itself.
final class FileWatch {
    let descriptor: Int32

    /// Watches a file and the directories where its successor may appear.
    ///
    /// - Parameters:
    ///   - file: the path of the file that is read now.
    ///   - path: the path in the settings; its directory and that of its link's target are watched for new files.
    /// - Throws: ``FileFailure`` when the kernel has no instance or watch left; the reader then checks once a second.
    init(_ file: String, path: String) throws {
        self.descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard self.descriptor >= 0 else { throw FileFailure("the kernel has no inotify instance for \(path)") }
        let target = FileRotation.target(of: path)
        let directories = Set([file, path, target].map { FileFailure.directory(of: $0) })
        let watches =
            [(file, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF)] + directories.map { ($0, IN_CREATE | IN_MOVED_TO) }
        for (place, events) in watches {
            // A path that is missing or unreadable is detected by the checks.
            guard inotify_add_watch(self.descriptor, place, UInt32(events)) < 0, errno == ENOSPC || errno == ENOMEM else {
                continue
            }
            throw FileFailure("the kernel has no inotify watch for \(place)")
        }
    }

    deinit {
        close(self.descriptor)
    }

    /// Discards the pending notifications.
    func reset() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(self.descriptor, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
