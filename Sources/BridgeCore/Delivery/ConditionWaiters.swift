/// Tasks that wait until a condition on a value behind a lock holds.
///
/// A part of the state that the lock guards. Whoever changes the value takes out those whose condition is met, and resumes them once the
/// lock is free.
struct ConditionWaiters<Value> {
    typealias Continuation = CheckedContinuation<Void, any Error>

    /// Identifies one wait.
    private final class Ticket: Sendable {}

    private struct Waiter {
        let ticket: Ticket
        let condition: @Sendable (Value) -> Bool
        let continuation: Continuation
    }

    private var waiters: [Waiter] = []

    var isEmpty: Bool { self.waiters.isEmpty }

    /// Takes out those whose condition is met.
    mutating func takeMet(_ value: Value) -> [Continuation] {
        guard !self.waiters.isEmpty else { return [] }
        var met: [Continuation] = []
        self.waiters.removeAll { waiter in
            guard waiter.condition(value) else { return false }
            met.append(waiter.continuation)
            return true
        }
        return met
    }

    private mutating func take(_ ticket: Ticket) -> Continuation? {
        self.waiters.firstIndex { $0.ticket === ticket }.map { self.waiters.remove(at: $0).continuation }
    }

    /// Waits until a condition holds.
    ///
    /// - Parameter access: calls its argument under the lock, and returns what that returns.
    /// - Throws: `CancellationError`.
    static func wait(
        until condition: @escaping @Sendable (Value) -> Bool,
        _ access: @escaping @Sendable ((inout Self, Value) -> Continuation?) -> Continuation?
    ) async throws {
        let ticket = Ticket()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: Continuation) in
                let met = access { waiters, value in
                    if condition(value) || Task.isCancelled { return continuation }
                    waiters.waiters.append(Waiter(ticket: ticket, condition: condition, continuation: continuation))
                    return nil
                }
                met?.resume()
            }
            try Task.checkCancellation()
        } onCancel: {
            access { waiters, _ in waiters.take(ticket) }?.resume(throwing: CancellationError())
        }
    }
}
