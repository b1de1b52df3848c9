import Glibc

/// Starts threads for calls that block, outside the pools of Swift and SwiftNIO.
package enum DetachedThread {
    /// Runs `body` once on a new thread, which ends with it.
    ///
    /// - Throws: ``PollThreadError`` when the process has no thread left; `body` is then released without a call.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(PollThreadError) {
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
        pthread_detach(thread)
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
