import CLinux
import Glibc

/// Wakes the curl thread: a descriptor of our own (eventfd), which libcurl waits for beside its sockets.
///
/// libcurl's own wake-up is not used: a multi handle that is made while the process has no descriptor left is never woken, and says so to
/// nobody. Thread-safe; closed with the last reference.
final class CurlBell: Sendable {
    let descriptor: Int32

    /// - Throws: ``CurlError`` when the process has no descriptor left.
    init() throws(CurlError) {
        self.descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.descriptor >= 0 else { throw CurlError(.other, Self.shortage(errno)) }
    }

    /// What is missing when the process has no descriptor left now; `nil` when it has.
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

    /// Forgets every ring so far.
    func silence() {
        var rings: eventfd_t = 0
        eventfd_read(self.descriptor, &rings)
    }
}
