import CLinux
import Glibc

/// Hears from the kernel (inotify) that a file has grown or been replaced.
///
/// Only a hint: the reader looks for itself.
final class FileWatch {
    let descriptor: Int32

    /// `nil` when the kernel gives none; the reader then looks once a second.
    init?(_ path: String) {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        inotify_add_watch(descriptor, path, UInt32(IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF))
        inotify_add_watch(descriptor, FileFailure.directory(of: path), UInt32(IN_CREATE | IN_MOVED_TO))
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
