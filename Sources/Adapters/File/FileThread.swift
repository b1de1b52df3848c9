import PollThread

/// Starts threads for blocking calls that last as long as a component runs.
enum FileThread {
    /// Runs `body` on a new thread and awaits its end.
    ///
    /// - Throws: what `body` throws, ``ComponentError`` when no thread can be started.
    static func run(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            do throws(PollThreadError) {
                try DetachedThread.start { continuation.resume(with: Result(catching: body)) }
            } catch {
                continuation.resume(throwing: FileFailure("a thread cannot be started", number: error.code).componentError)
            }
        }
    }
}
