/// Runs components that come and go: each in a task of its own.
///
/// Thread-safe; ``run()`` is called once.
final class ComponentTasks: Sendable {
    private let bodies: AsyncStream<@Sendable () async -> Void>
    private let continuation: AsyncStream<@Sendable () async -> Void>.Continuation

    init() {
        (self.bodies, self.continuation) = AsyncStream.makeStream()
    }

    /// Starts a component; has no effect after ``finish()``.
    func start(_ body: @escaping @Sendable () async -> Void) {
        self.continuation.yield(body)
    }

    /// No further component is started.
    func finish() {
        self.continuation.finish()
    }

    /// Runs the components until ``finish()`` and the end of the last one.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await body in self.bodies { group.addTask { await body() } }
        }
    }
}
