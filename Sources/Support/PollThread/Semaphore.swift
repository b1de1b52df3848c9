import Glibc

/// Wakes one thread from another.
///
/// Thread-safe. Outlives every wait on it.
package final class Semaphore: Sendable {
    /// Safe because the semaphore's functions may be called from any thread, and its memory lives as long as this object.
    nonisolated(unsafe) private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// Makes one without a signal.
    package init() {
        sem_init(self.semaphore, 0, 0)
    }

    deinit {
        sem_destroy(self.semaphore)
        self.semaphore.deallocate()
    }

    /// Ends one wait, now or later; never blocks.
    package func signal() {
        sem_post(self.semaphore)
    }

    /// Waits for one signal.
    package func wait() {
        while sem_wait(self.semaphore) != 0, errno == EINTR {}
    }

    /// Waits for one signal, within a limit.
    ///
    /// - Returns: whether it arrived.
    package func wait(atMost limit: Duration) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let (seconds, attoseconds) = limit.components
        end.tv_sec += Int(seconds)
        end.tv_nsec += Int(attoseconds / 1_000_000_000)
        if end.tv_nsec >= 1_000_000_000 {
            end.tv_sec += 1
            end.tv_nsec -= 1_000_000_000
        }
        while sem_timedwait(self.semaphore, &end) != 0 {
            guard errno == EINTR else { return false }
        }
        return true
    }
}
