import Synchronization

/// Wakes tasks that wait for a condition, and one observer.
///
/// Call ``notify(tellsObserver:)`` after each change that others wait for. A waiting task checks its own condition
/// after each notification, so the change and the check need no common lock. No notification is lost: one between the
/// check and the wait ends the wait. Thread-safe. Without waiters, a notification costs two atomic operations, no lock
/// and no allocation.
package final class Signal: Sendable {
    /// Counts the notifications.
    private let version = Atomic<UInt64>(0)
    /// Whether ``listeners`` may contain any.
    private let isAwaited = Atomic<Bool>(false)
    private let listeners = Mutex(Listeners())

    private struct Listeners {
        var observer: Observer?
        var lastTicket: UInt64 = 0
        /// The first waiting task; most signals have no other.
        var first: Waiter?
        var others: [Waiter] = []

        /// Removes a waiting task.
        mutating func remove(_ ticket: UInt64) -> Waiter? {
            if let first, first.ticket == ticket {
                self.first = nil
                return first
            }
            return self.others.firstIndex { $0.ticket == ticket }.map { self.others.remove(at: $0) }
        }
    }

    /// A closure that can be moved out of a lock without an allocation.
    private final class Observer: Sendable {
        let call: @Sendable () -> Void

        init(_ call: @escaping @Sendable () -> Void) {
            self.call = call
        }
    }

    private struct Waiter {
        let ticket: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    /// Makes a signal without waiters.
    package init() {}

    /// Wakes the waiting tasks and calls the observer.
    ///
    /// Call it after the change, outside the locks that a condition takes.
    ///
    /// - Parameter tellsObserver: false when the caller is the observer.
    package func notify(tellsObserver: Bool = true) {
        self.version.wrappingAdd(1, ordering: .sequentiallyConsistent)
        guard self.isAwaited.load(ordering: .sequentiallyConsistent) else { return }
        var observer: Observer?
        var first: Waiter?
        var others: [Waiter] = []
        self.listeners.withLock { listeners in
            observer = listeners.observer
            swap(&first, &listeners.first)
            swap(&others, &listeners.others)
            if observer == nil { self.isAwaited.store(false, ordering: .sequentiallyConsistent) }
        }
        first?.continuation.resume()
        for waiter in others { waiter.continuation.resume() }
        if tellsObserver { observer?.call() }
    }

    /// Sets the observer, which is called on the notifying thread and must not block; `nil` removes it.
    package func observe(_ observer: (@Sendable () -> Void)?) {
        self.listeners.withLock { listeners in
            listeners.observer = observer.map(Observer.init)
            if observer != nil { self.isAwaited.store(true, ordering: .sequentiallyConsistent) }
        }
    }

    /// Waits until a condition holds, which is checked immediately and after each notification.
    ///
    /// - Throws: `CancellationError`.
    package func wait(until condition: () -> Bool) async throws {
        try await self.wait(for: { condition() ? () : nil })
    }

    /// Waits until a value is found; the search runs immediately and after each notification.
    ///
    /// - Throws: `CancellationError`.
    package func wait<Value>(for find: () -> Value?) async throws -> Value {
        while true {
            try Task.checkCancellation()
            let seen = self.version.load(ordering: .sequentiallyConsistent)
            if let found = find() { return found }
            await self.untilNotified(since: seen)
        }
    }

    private func untilNotified(since seen: UInt64) async {
        let ticket = self.listeners.withLock { listeners in
            listeners.lastTicket += 1
            return listeners.lastTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = self.listeners.withLock { listeners in
                    // Before the version is read: a notification that changes it later sees this.
                    self.isAwaited.store(true, ordering: .sequentiallyConsistent)
                    guard !Task.isCancelled, self.version.load(ordering: .sequentiallyConsistent) == seen else { return false }
                    let waiter = Waiter(ticket: ticket, continuation: continuation)
                    if listeners.first == nil { listeners.first = waiter } else { listeners.others.append(waiter) }
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            self.listeners.withLock { $0.remove(ticket) }?.continuation.resume()
        }
    }
}
