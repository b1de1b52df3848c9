package import NIOCore
import Synchronization

/// Carries deliveries from an inlet to a sink on its event loop, without a task between the log and the peer.
///
/// The inlet's notification schedules one call on the loop, however many arrive before it runs. Thread-safe unless
/// noted.
package final class InletPump: Sendable {
    private let inlet: SinkInlet
    private let loop: any EventLoop
    private let drain: @Sendable (InletPump) -> Void
    private let isScheduled = Atomic<Bool>(false)
    /// Whether the sink has a batch and has not asked for another yet.
    private let isInFlight: NIOLoopBoundBox<Bool>
    private let pacing: NIOLoopBoundBox<EventLoopPacing>
    /// Reached when the inlet has ended, or the drain was stopped.
    private let end = Eventual<Void>()

    /// - Parameter drain: called on the loop when the inlet may have something; calls ``take(atMost:)``.
    package init(_ inlet: SinkInlet, on loop: any EventLoop, drain: @escaping @Sendable (InletPump) -> Void) {
        self.inlet = inlet
        self.loop = loop
        self.drain = drain
        self.isInFlight = .makeBoxSendingValue(false, eventLoop: loop)
        self.pacing = inlet.pacing(of: loop)
    }

    /// Drains until the inlet has ended.
    ///
    /// - Throws: what ``stop(_:)`` was given, or `CancellationError`.
    package func run() async throws {
        self.inlet.onAvailable { self.scheduleDrain() }
        defer { self.inlet.onAvailable(nil) }
        self.scheduleDrain()
        do {
            try await self.end.value
        } catch {
            // Nothing is taken after a cancellation: it would be in flight without an owner.
            self.end.finish(.failure(error))
            throw error
        }
    }

    /// Takes waiting deliveries, in order; on the loop.
    ///
    /// - Parameter limit: 1 or more.
    /// - Returns: empty when there is nothing; the drain is called when there is more. Otherwise the drain is not
    ///   called again before the sink has finished this batch and calls ``resume()`` or takes the next.
    package func take(atMost limit: Int) -> [Delivery] {
        self.isInFlight.value = false
        self.isScheduled.store(false, ordering: .sequentiallyConsistent)
        let start = NIODeadline.now()
        // Under the lock: deliveries taken after the end would be in flight without an owner.
        switch self.end.ifPending({ self.inlet.poll(atMost: limit) }) ?? .empty {
        case .batch(let deliveries):
            self.isInFlight.value = true
            self.pacing.value.began(start)
            // Saves the notifications of appends in the meantime.
            self.isScheduled.store(true, ordering: .relaxed)
            return deliveries
        case .empty:
            return []
        case .ended:
            self.end.finish()
            return []
        }
    }

    /// Schedules the drain, after the tasks that wait before it; on the loop.
    ///
    /// Pauses after ``EventLoopPacing/slice``, so that the loop serves its sockets.
    package func resume() {
        guard let due = self.pacing.value.ended(.now()) else { return self.loop.execute { self.drain(self) } }
        self.resume(at: due)
    }

    private func resume(at due: NIODeadline) {
        self.loop.scheduleTask(deadline: due) {
            if let later = self.pacing.value.resumed(.now()) {
                self.resume(at: later)
            } else {
                self.drain(self)
            }
        }
    }

    /// Ends ``run()`` with an error; unconfirmed deliveries are offered again.
    package func stop(_ error: any Error) {
        self.end.finish(.failure(error))
    }

    /// Whether ``run()`` has returned or is about to.
    package var hasEnded: Bool {
        self.end.result != nil
    }

    /// Schedules a drain, if none is scheduled.
    private func scheduleDrain() {
        guard !self.isScheduled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.loop.execute {
            // A sink with a batch looks for more after it.
            if !self.isInFlight.value { self.drain(self) }
        }
    }
}
