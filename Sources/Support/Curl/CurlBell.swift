import CLinux
import Glibc

/// Wakes the curl thread: our own descriptor (eventfd), which libcurl polls beside its sockets.
///
/// Does not use libcurl's own wake-up: a multi handle that is created while the process has no descriptor left is never
/// woken, and reports no error. Thread-safe; closed with the last reference.
final class CurlBell: Sendable {
    let descriptor: Int32

    /// - Throws: ``CurlError`` when the process has no descriptor left.
    init() throws(CurlError) {
        self.descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.descriptor >= 0 else { throw CurlError(.other, Self.shortage(errno)) }
    }

    /// The error while the process has no descriptor left; `nil` when it has.
    static var shortage: String? {
        let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        return Self.shortage(errno)
    }

    private static func shortage(_ number: Int32) -> String {
        "no descriptor is left for HTTP transfers: \(String(cString: strerror(number)))"
    }

    deinit {
        close(self.descriptor)
    }

    /// Ends the wait of the thread, or its next one.
    func ring() {
        // Fails only when the counter is full, and then it rings already.
        eventfd_write(self.descriptor, 1)
    }

    /// Clears all rings up to now.
    func silence() {
        var rings: eventfd_t = 0
        eventfd_read(self.descriptor, &rings)
    }
}
