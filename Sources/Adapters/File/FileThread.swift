import Glibc

/// Starts threads for blocking calls that last as long as a component runs.
enum FileThread {
    /// Runs `body` on a new thread and awaits its end.
    ///
    /// - Throws: what `body` throws, ``ComponentError`` when no thread can be started.
    static func run(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let work = Unmanaged.passRetained(Work { continuation.resume(with: Result(catching: body)) })
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().run()
                    return nil
                },
                work.toOpaque()
            )
            if failure == 0 {
                pthread_detach(thread)
            } else {
                work.release()
                continuation.resume(throwing: FileFailure("a thread cannot be started", number: failure).componentError)
            }
        }
    }

    private final class Work: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }
}
