import BridgeCore
import NIOCore
import Synchronization

/// One stream: its history, and its subscribers in one shard per event loop.
///
/// Thread-safe. Events come from one publisher on ``home``; each batch is rendered once and costs one hop per other loop.
final class SSEHub: Sendable {
    /// The loop that publishes.
    let home: any EventLoop
    let history: SSEHistory
    let settings: SSESinkConfiguration
    let metrics: SSEMetrics
    private let shards: [ObjectIdentifier: NIOLoopBoundBox<SSEShard>]
    private let places = Atomic<Int>(0)
    private let closing = Mutex<EventLoopPromise<Void>?>(nil)

    init(configuration: SSESinkConfiguration, group: any EventLoopGroup, metrics: SSEMetrics) {
        self.settings = configuration
        self.metrics = metrics
        self.home = group.next()
        self.history = SSEHistory(
            epoch: SSECursor.newEpoch(milliseconds: Timestamp.now().milliseconds), replay: configuration.replay,
            slowBytes: configuration.slowClient.bytes
        )
        var shards: [ObjectIdentifier: NIOLoopBoundBox<SSEShard>] = [:]
        for loop in group.makeIterator() {
            let shard = SSEShard(eventLoop: loop, history: self.history, settings: configuration, metrics: metrics)
            shards[ObjectIdentifier(loop)] = .makeBoxSendingValue(shard, eventLoop: loop)
        }
        self.shards = shards
    }

    var epoch: String { self.history.epoch }
    /// Subscribers now, those whose answer is on its way included.
    var subscribers: Int { self.places.load(ordering: .relaxed) }

    /// Gives events to the history and to all subscribers, in order.
    ///
    /// On ``home``.
    func publish(_ deliveries: [Delivery]) {
        self.home.assertInEventLoop()
        let time = Timestamp.now()
        var rest = deliveries[...]
        while !rest.isEmpty {
            let piece = Self.piece(of: rest)
            rest = rest.dropFirst(piece.count)
            let batch = self.history.append(piece, time: time)
            for box in self.shards.values {
                if box.eventLoop.inEventLoop {
                    box.value.deliver(batch)
                } else {
                    box.eventLoop.execute { box.value.deliver(batch) }
                }
            }
        }
    }

    /// The shard of the loop that the caller is on.
    func shard(on loop: any EventLoop) -> SSEShard {
        guard let box = self.shards[ObjectIdentifier(loop)] else {
            preconditionFailure("the HTTP server runs on the loops of the group")
        }
        return box.value
    }

    /// A place among the subscribers; `nil` when there is none left.
    ///
    /// It is given back when it is dropped.
    func takePlace() -> Place? {
        guard self.places.wrappingAdd(1, ordering: .relaxed).newValue <= self.settings.maxConnections else {
            self.leave()
            return nil
        }
        return Place(hub: self)
    }

    /// Ends every subscriber's stream in an orderly way and waits until they are gone, but no longer than `limit`.
    func close(within limit: Duration) async {
        let promise = self.home.makePromise(of: Void.self)
        self.closing.withLock { $0 = promise }
        for box in self.shards.values {
            box.eventLoop.execute { box.value.close() }
        }
        let timer = self.home.scheduleTask(in: TimeAmount(limit)) { self.finishClosing() }
        if self.subscribers == 0 { self.finishClosing() }
        // The promise is never failed.
        try? await promise.futureResult.get()
        timer.cancel()
    }

    private func leave() {
        if self.places.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { self.finishClosing() }
    }

    private func finishClosing() {
        let promise = self.closing.withLock { closing in
            defer { closing = nil }
            return closing
        }
        promise?.succeed()
    }

    /// As many events as make a batch of moderate size: it is written to every subscriber in one piece.
    private static func piece(of deliveries: ArraySlice<Delivery>) -> ArraySlice<Delivery> {
        var size = 0
        var index = deliveries.startIndex
        repeat {
            size += deliveries[index].event.json.readableBytes + 64
            index += 1
        } while index < deliveries.endIndex && size < 64 << 10
        return deliveries[..<index]
    }

    /// One subscriber's right to be counted.
    final class Place: Sendable {
        private let hub: SSEHub

        fileprivate init(hub: SSEHub) {
            self.hub = hub
        }

        deinit {
            self.hub.leave()
        }
    }
}
