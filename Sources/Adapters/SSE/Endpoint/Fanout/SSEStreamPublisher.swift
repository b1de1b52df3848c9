import BridgeCore
import NIOCore

/// Moves deliveries from the inlet to a stream of the hub, on the hub's home loop, without a task in between.
final class SSEStreamPublisher: Sendable {
    private let inlet: SinkInlet
    private let hub: SSEHub
    private let stream: SSEStream

    init(inlet: SinkInlet, hub: SSEHub, stream: SSEStream) {
        self.inlet = inlet
        self.hub = hub
        self.stream = stream
    }

    /// Publishes until the inlet has ended.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await InletPump(self.inlet, on: self.hub.home) { self.publishNext($0) }.run()
    }

    /// Publishes one batch once every loop has delivered the previous one, so that the sockets of this loop are served
    /// in between.
    private func publishNext(_ drain: InletPump) {
        if self.hub.whenDelivered({ self.publishNext(drain) }) || self.hub.whenReserved({ self.publishNext(drain) }) { return }
        let deliveries = drain.take(atMost: 512)
        guard let last = deliveries.last else { return }
        self.publish(deliveries[...])
        self.inlet.confirm(through: last)
        drain.resume()
    }

    private func publish(_ deliveries: ArraySlice<Delivery>) {
        guard self.stream.isLabelled else {
            self.publish(deliveries, SSELabels())
            return
        }
        let reader = self.hub.shard(on: self.hub.home).reader
        reader.begin(Array(deliveries))
        defer { reader.endBatch() }
        var start = deliveries.startIndex
        var labels = SSELabels()
        for (index, delivery) in zip(deliveries.indices, deliveries) {
            do throws(SSERequestError) {
                try labels.append(delivery.event, of: self.stream, reader)
            } catch {
                self.publish(deliveries[start..<index], labels)
                (start, labels) = (index + 1, SSELabels())
                self.inlet.refuse(delivery, error.message)
            }
        }
        self.publish(deliveries[start...], labels)
    }

    /// Publishes in batches of moderate size, because each is written to every subscriber at once.
    private func publish(_ deliveries: ArraySlice<Delivery>, _ labels: SSELabels) {
        guard !deliveries.isEmpty else { return }
        let events = deliveries.map(\.event)
        let first = self.hub.head + 1
        var snapshot = SnapshotChanges()
        var start = 0
        while start < events.count {
            var size = 0
            var end = start
            repeat {
                size += self.stream.size(of: events[end]) + 64
                end += 1
            } while end < events.count && size < 64 << 10
            if let changes = self.hub.publish(Array(events[start..<end]), labels[start..<end], to: self.stream) {
                snapshot.follow(removed: changes.removed, kept: changes.kept)
            }
            start = end
        }
        self.inlet.number(deliveries, from: first, snapshot: snapshot)
    }
}
