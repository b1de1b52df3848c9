import BridgeCore
import HTTPServer
import NIOCore

/// The subscribers of one stream on one event loop, and the one timer that they share.
///
/// Only ever touched on its loop.
final class SSEShard {
    let eventLoop: any EventLoop
    let history: SSEHistory
    let metrics: SSEMetrics
    /// How far a subscriber may fall behind.
    let slowBytes: UInt64
    /// Ticks in one heartbeat; at least 16.
    let heartbeatTicks: UInt32
    /// Ticks without progress after which a subscriber is disconnected.
    let stallTicks: UInt32
    private let tickLength: Duration
    private let reconnect: Duration
    private var subscribers: ContiguousArray<SSESubscriber> = []
    private var timer: RepeatedTask?
    private var isClosed = false
    /// The time, in ticks.
    private(set) var now: UInt32 = 0
    private var joined: UInt32 = 0
    private let chunkedComment: ByteBuffer
    private let plainComment: ByteBuffer

    init(eventLoop: any EventLoop, history: SSEHistory, settings: SSESinkConfiguration, metrics: SSEMetrics) {
        self.eventLoop = eventLoop
        self.history = history
        self.metrics = metrics
        self.slowBytes = UInt64(settings.slowClient.bytes)
        self.tickLength = min(settings.heartbeat / 16, settings.slowClient.stall / 4)
        self.heartbeatTicks = Self.ticks(settings.heartbeat, self.tickLength)
        self.stallTicks = Self.ticks(settings.slowClient.stall, self.tickLength)
        self.reconnect = settings.reconnect
        self.chunkedComment = Self.framed(":\n\n", .chunked)
        self.plainComment = Self.framed(":\n\n", .untilClose)
    }

    // MARK: - Subscribers

    /// Takes a subscriber in.
    func add(_ subscriber: SSESubscriber) {
        self.metrics.opened.increment()
        self.metrics.subscribers.add(1)
        // Half a heartbeat's worth of phases, so that quiet subscribers are not all written to in the same instant.
        self.joined &+= 1
        subscriber.phase = self.joined % (self.heartbeatTicks / 2)
        subscriber.index = self.subscribers.count
        self.subscribers.append(subscriber)
        guard !self.isClosed else {
            subscriber.stop(self.farewell)
            return
        }
        guard self.timer == nil else { return }
        let shard = NIOLoopBound(self, eventLoop: self.eventLoop)
        let length = TimeAmount(self.tickLength)
        self.timer = self.eventLoop.scheduleRepeatedTask(initialDelay: length, delay: length) { _ in shard.value.tick() }
    }

    func remove(_ subscriber: SSESubscriber, _ end: SSEMetrics.End) {
        self.metrics.closed(end).increment()
        self.metrics.subscribers.add(-1)
        let last = self.subscribers.removeLast()
        if last !== subscriber {
            self.subscribers[subscriber.index] = last
            last.index = subscriber.index
        }
        if self.subscribers.isEmpty {
            self.timer?.cancel()
            self.timer = nil
        }
    }

    /// Writes a batch to everybody who has all that came before it.
    func deliver(_ batch: SSEBatch) {
        let chunked = batch.framed(.chunked)
        var delivered = 0
        // Backwards, because a subscriber that is disconnected is replaced by the last one.
        var index = self.subscribers.count - 1
        while index >= 0 {
            if index < self.subscribers.count {
                delivered += self.subscribers[index].deliver(batch, chunked)
            }
            index -= 1
        }
        self.metrics.delivered.increment(by: delivered)
    }

    /// Ends all streams, and those that come later at once.
    func close() {
        self.isClosed = true
        for subscriber in self.subscribers {
            subscriber.stop(self.farewell)
        }
    }

    /// A last `retry:`, spread so that those who were sent away do not come back in the same instant.
    private var farewell: String {
        let least =
            Int(self.reconnect.components.seconds) * 1000
            + Int(self.reconnect.components.attoseconds / 1_000_000_000_000_000)
        return "retry: \(least + Int.random(in: 0...max(1000, least)))\n\n"
    }

    // MARK: - Time

    private func tick() {
        self.now &+= 1
        for subscriber in self.subscribers {
            subscriber.tick()
        }
    }

    func comment(_ framing: HTTPFraming) -> ByteBuffer {
        switch framing {
        case .chunked: self.chunkedComment
        case .untilClose: self.plainComment
        }
    }

    private static func ticks(_ span: Duration, _ length: Duration) -> UInt32 {
        UInt32(min(1e9, (span / length).rounded(.up)))
    }

    private static func framed(_ text: String, _ framing: HTTPFraming) -> ByteBuffer {
        var buffer = ByteBuffer()
        framing.write(ByteBuffer(string: text), into: &buffer)
        return buffer
    }
}
