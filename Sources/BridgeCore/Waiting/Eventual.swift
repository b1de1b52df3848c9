import Synchronization

/// A result that is set once, and any number of tasks that wait for it.
///
/// Thread-safe.
package final class Eventual<Value: Sendable>: Sendable {
    private let state = Mutex<Result<Value, any Error>?>(nil)
    private let signal = Signal()

    /// Makes an instance without a result.
    package init() {}

    /// Sets the result and wakes the waiting tasks; only the first call has an effect.
    package func finish(_ result: Result<Value, any Error>) {
        let isFirst = self.state.withLock { known in
            guard known == nil else { return false }
            known = result
            return true
        }
        if isFirst { self.signal.notify() }
    }

    /// The result; `nil` until it is set.
    package var result: Result<Value, any Error>? { self.state.withLock { $0 } }

    /// Calls `body` unless the result is set; the result is not set while it runs.
    ///
    /// - Returns: `nil` when the result is set.
    package func ifPending<Found: Sendable>(_ body: () -> Found) -> Found? {
        self.state.withLock { $0 == nil ? body() : nil }
    }

    /// Waits for the result.
    ///
    /// - Throws: the error of the result, or `CancellationError`.
    package var value: Value {
        get async throws { try await self.signal.wait { self.result }.get() }
    }
}

extension Eventual<Void> {
    /// Sets success as the result.
    package func finish() { self.finish(.success(())) }
}
