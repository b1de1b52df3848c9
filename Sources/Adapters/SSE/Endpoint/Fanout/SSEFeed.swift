import BridgeCore
import NIOCore
import Synchronization

/// Carries deliveries from the inlet to a stream of the hub, on the hub's home loop: no task stands between a source and its subscribers.
///
/// The inlet's notification schedules one drain of the loop, however many come before it runs.
final class SSEFeed: Sendable {
    private let inlet: SinkInlet
    private let hub: SSEHub
    private let stream: SSEStream
    private let isScheduled = Atomic<Bool>(false)
    private let continuation = Mutex<Waiting>(.notYet)

    init(inlet: SinkInlet, hub: SSEHub, stream: SSEStream) {
        self.inlet = inlet
        self.hub = hub
        self.stream = stream
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

    /// Publishes one batch, once every loop has delivered the one before; between two the sockets of this loop get their turn.
    private func drain() {
        if self.hub.whenDelivered({ self.drain() }) || self.hub.whenReserved({ self.drain() }) { return }
        self.isScheduled.store(false, ordering: .sequentiallyConsistent)
        guard !self.isDone else { return }
        switch self.inlet.poll(atMost: 512) {
        case .batch(let deliveries):
            self.publish(deliveries[...])
            self.inlet.confirm(through: deliveries[deliveries.count - 1])
            self.schedule()
        case .empty:
            break
        case .ended:
            self.end(.success(()))
        }
    }

    private func publish(_ deliveries: ArraySlice<Delivery>) {
        guard !self.stream.isFixed else {
            self.publish(deliveries, names: nil)
            return
        }
        let reader = self.hub.shard(on: self.hub.home).reader
        var start = deliveries.startIndex
        var names: [String] = []
        for (index, delivery) in zip(deliveries.indices, deliveries) {
            do {
                names.append(try self.stream.name(of: delivery.event, reader))
            } catch {
                self.publish(deliveries[start..<index], names: names)
                (start, names) = (index + 1, [])
                self.inlet.refuse(delivery, "the stream's name cannot be made: \(error)")
            }
        }
        self.publish(deliveries[start...], names: names)
    }

    /// Publishes in pieces of moderate size: each is written to every subscriber at once.
    private func publish(_ deliveries: ArraySlice<Delivery>, names: [String]?) {
        guard !deliveries.isEmpty else { return }
        let events = deliveries.map(\.event)
        self.inlet.number(deliveries, from: self.hub.head + 1)
        var start = 0
        while start < events.count {
            var size = 0
            var end = start
            repeat {
                size += events[end].json.readableBytes + 64
                end += 1
            } while end < events.count && size < 64 << 10
            self.hub.publish(Array(events[start..<end]), names: names.map { Array($0[start..<end]) }, to: self.stream)
            start = end
        }
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
