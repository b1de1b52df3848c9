import Glibc

/// Starts threads for calls that block, outside the pools of Swift and SwiftNIO.
package enum DetachedThread {
    /// Runs `body` once on a new thread, which ends with it.
    ///
    /// - Throws: ``PollThreadError`` when the process has no thread left; `body` is then released without a call.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(PollThreadError) {
        pthread_detach(try self.make(body))
    }

    /// Makes a thread that its caller joins or detaches; every thread of this program's own code begins here.
    ///
    /// - Throws: as ``start(_:)``.
    static func make(_ body: @escaping @Sendable () -> Void) throws(PollThreadError) -> pthread_t {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body))
        let failure = pthread_create(
            &thread, nil,
            { context in
                // Balances `passRetained`: the thread owns it from here on.
                Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            },
            work.toOpaque()
        )
        guard failure == 0 else {
            work.release()
            throw PollThreadError("pthread_create", failure)
        }
        return thread
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
