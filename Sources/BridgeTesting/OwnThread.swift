import PollThread

/// Runs blocking calls on separate threads, so that the threads of Swift's pool stay free.
package enum OwnThread {
    /// Runs `body` on a new detached thread; traps when the system has no thread left.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        do { try DetachedThread.start(body) } catch { preconditionFailure("\(error)") }
    }

    /// Runs `body` on a new thread and awaits its result.
    ///
    /// - Throws: what `body` throws.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            self.start { continuation.resume(with: Result { try body() }) }
        }
    }
}
