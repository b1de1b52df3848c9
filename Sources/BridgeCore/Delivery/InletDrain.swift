package import NIOCore
import Synchronization

/// Carries deliveries from an inlet to a sink on its event loop: no task stands between the log and the peer.
///
/// The inlet's notification schedules one drain of the loop, however many come before it runs. Thread-safe where nothing else is said.
package final class InletDrain: Sendable {
    private let inlet: SinkInlet
    private let loop: any EventLoop
    private let drain: @Sendable (InletDrain) -> Void
    private let isScheduled = Atomic<Bool>(false)
    /// The sink has a batch, and has not asked for another yet.
    private let isUnderWay: NIOLoopBoundBox<Bool>
    private let end = Mutex<End>(.notYet)

    /// - Parameter drain: called on the loop when the inlet may have something: calls ``take(atMost:)``.
    package init(_ inlet: SinkInlet, on loop: any EventLoop, drain: @escaping @Sendable (InletDrain) -> Void) {
        self.inlet = inlet
        self.loop = loop
        self.drain = drain
        self.isUnderWay = .makeBoxSendingValue(false, eventLoop: loop)
    }

    /// Drains until the inlet has ended.
    ///
    /// - Throws: what ``stop(_:)`` was given, or `CancellationError`.
    package func run() async throws {
        self.inlet.onAvailable { self.look() }
        defer { self.inlet.onAvailable(nil) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let early = self.end.withLock { end -> Result<Void, any Error>? in
                    if case .reached(let result) = end { return result }
                    end = .awaited(continuation)
                    return nil
                }
                if let early { continuation.resume(with: early) }
                self.look()
            }
        } onCancel: {
            self.reach(.failure(CancellationError()))
        }
    }

    /// Takes what waits, in order; on the loop.
    ///
    /// - Parameter limit: 1 or more.
    /// - Returns: empty when there is nothing: the drain is called when there is more. Otherwise it is not called again before the sink,
    ///   done with this batch, calls ``goOn()`` or takes the next.
    package func take(atMost limit: Int) -> [Delivery] {
        self.isUnderWay.value = false
        self.isScheduled.store(false, ordering: .sequentiallyConsistent)
        // Under the lock: what is taken once the end is reached would be in the hand of nobody.
        let found = self.end.withLock { end -> SinkInlet.Poll in
            if case .reached = end { return .empty }
            return self.inlet.poll(atMost: limit)
        }
        switch found {
        case .batch(let deliveries):
            self.isUnderWay.value = true
            // Spares the calls of whoever appends meanwhile.
            self.isScheduled.store(true, ordering: .relaxed)
            return deliveries
        case .empty:
            return []
        case .ended:
            self.reach(.success(()))
            return []
        }
    }

    /// Has the drain called soon, once the loop has done what waits before it.
    package func goOn() {
        self.loop.execute { self.drain(self) }
    }

    /// Ends ``run()`` with an error; what was taken and is not confirmed is offered again.
    package func stop(_ error: any Error) {
        self.reach(.failure(error))
    }

    /// Whether ``run()`` has returned or is about to.
    package var hasEnded: Bool {
        self.end.withLock { if case .reached = $0 { true } else { false } }
    }

    /// There may be something.
    private func look() {
        guard !self.isScheduled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.loop.execute {
            // A sink that has a batch looks for more when it is done with it.
            if !self.isUnderWay.value { self.drain(self) }
        }
    }

    private func reach(_ result: Result<Void, any Error>) {
        let continuation = self.end.withLock { end -> CheckedContinuation<Void, any Error>? in
            switch end {
            case .notYet:
                end = .reached(result)
                return nil
            case .awaited(let continuation):
                end = .reached(result)
                return continuation
            case .reached:
                return nil
            }
        }
        continuation?.resume(with: result)
    }

    private enum End {
        case notYet
        case awaited(CheckedContinuation<Void, any Error>)
        case reached(Result<Void, any Error>)
    }
}
