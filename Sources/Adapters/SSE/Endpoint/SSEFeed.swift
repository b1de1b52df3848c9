import BridgeCore
import NIOCore
import Synchronization

/// Carries deliveries from the inlet to the hub, on the hub's home loop: no task stands between a source and its subscribers.
///
/// The inlet's notification schedules one drain of the loop, however many come before it runs.
final class SSEFeed: Sendable {
    private let inlet: SinkInlet
    private let hub: SSEHub
    private let isScheduled = Atomic<Bool>(false)
    private let continuation = Mutex<Waiting>(.notYet)

    init(inlet: SinkInlet, hub: SSEHub) {
        self.inlet = inlet
        self.hub = hub
    }

    /// Publishes until the inlet has ended.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        self.inlet.onAvailable { self.schedule() }
        defer { self.inlet.onAvailable(nil) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let early = self.continuation.withLock { waiting -> Result<Void, any Error>? in
                    if case .done(let result) = waiting { return result }
                    waiting = .waiting(continuation)
                    return nil
                }
                if let early { continuation.resume(with: early) }
                self.schedule()
            }
        } onCancel: {
            self.end(.failure(CancellationError()))
        }
    }

    private func schedule() {
        guard !self.isScheduled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.hub.home.execute { self.drain() }
    }

    private func drain() {
        self.isScheduled.store(false, ordering: .sequentiallyConsistent)
        // Once around the loop per few batches, so that the sockets get their turn.
        for _ in 0..<4 {
            guard !self.isDone else { return }
            switch self.inlet.poll(atMost: 512) {
            case .batch(let deliveries):
                self.hub.publish(deliveries)
                self.inlet.confirm(through: deliveries[deliveries.count - 1])
            case .empty:
                return
            case .ended:
                self.end(.success(()))
                return
            }
        }
        self.schedule()
    }

    private var isDone: Bool {
        self.continuation.withLock { if case .done = $0 { true } else { false } }
    }

    private func end(_ result: Result<Void, any Error>) {
        let continuation = self.continuation.withLock { waiting -> CheckedContinuation<Void, any Error>? in
            switch waiting {
            case .notYet:
                waiting = .done(result)
                return nil
            case .waiting(let continuation):
                waiting = .done(result)
                return continuation
            case .done:
                return nil
            }
        }
        continuation?.resume(with: result)
    }

    private enum Waiting {
        case notYet
        case waiting(CheckedContinuation<Void, any Error>)
        case done(Result<Void, any Error>)
    }
}
