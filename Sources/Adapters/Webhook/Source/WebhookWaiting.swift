import Synchronization

/// The requests of one event loop that wait for their events to be safe, as other threads see them: how many, and whether the loop is woken.
///
/// Thread-safe.
final class WebhookWaiting: Sendable {
    private let requests = Atomic<Int>(0)
    private let isWoken = Atomic<Bool>(false)

    /// How many requests wait.
    var count: Int { self.requests.load(ordering: .sequentiallyConsistent) }

    /// Changes how many requests wait; called on the loop.
    func add(_ count: Int) {
        self.requests.wrappingAdd(count, ordering: .sequentiallyConsistent)
    }

    /// Somebody wants to wake the loop.
    ///
    /// - Returns: false when it is woken already and has not come to it.
    func beginWaking() -> Bool { !self.isWoken.exchange(true, ordering: .sequentiallyConsistent) }

    /// The loop is awake, and looks next at what is safe.
    func endWaking() {
        self.isWoken.store(false, ordering: .sequentiallyConsistent)
    }
}
