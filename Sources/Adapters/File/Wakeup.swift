import BridgeCore
import CLinux
import Glibc
import Synchronization

/// Wakes the thread of a file source from any other thread.
final class Wakeup: Sendable {
    /// An eventfd, readable after a signal.
    let descriptor: Int32
    private let cancelled = Atomic<Bool>(false)

    /// - Throws: ``ComponentError`` when the process has no descriptor left.
    init() throws {
        self.descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard self.descriptor >= 0 else { throw FileFailure("no eventfd").componentError }
    }

    deinit {
        close(self.descriptor)
    }

    /// Whether the source's task was cancelled.
    var isCancelled: Bool { self.cancelled.load(ordering: .acquiring) }

    func signal() {
        eventfd_write(self.descriptor, 1)
    }

    func cancel() {
        self.cancelled.store(true, ordering: .releasing)
        self.signal()
    }

    /// Clears all signals up to now.
    ///
    /// The woken thread calls it before it checks what has changed.
    func reset() {
        var count: eventfd_t = 0
        eventfd_read(self.descriptor, &count)
    }
}
