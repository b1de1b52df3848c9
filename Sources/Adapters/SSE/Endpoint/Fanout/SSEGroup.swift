import BridgeCore
import HTTPServer
import NIOCore

/// The subscribers of one view on one event loop.
///
/// Only ever touched on its loop.
final class SSEGroup {
    let view: SSEView
    let hub: SSEHub
    let shard: SSEShard
    private var subscribers: ContiguousArray<SSESubscriber> = []
    private var polls: ContiguousArray<SSEPoll> = []
    /// The time, in ticks of the view's timing.
    private(set) var now: UInt32 = 0
    private var elapsed = Duration.zero
    private var joined: UInt32 = 0
    /// The comment that keeps a quiet connection alive.
    let comment: SSEBytes
    private var cursor: (sequence: UInt64, bytes: SSEBytes)?
    /// The last batch that was written as a whole, see ``bytes(_:of:isWhole:)``.
    private var shared: (first: UInt64, bytes: SSEBytes)?

    init(view: SSEView, hub: SSEHub, shard: SSEShard) {
        self.view = view
        self.hub = hub
        self.shard = shard
        self.comment = view.bytes(view.selection.format.comment, shard.compressor)
    }

    // MARK: - Subscribers

    /// Adds a subscriber.
    ///
    /// - Returns: how many ticks early its comment is due, spread over half a heartbeat to avoid bursts of writes.
    func add(_ subscriber: SSESubscriber) -> UInt32 {
        for stream in self.view.streams {
            stream.metrics.opened.increment()
            stream.metrics.subscribers.add(1)
        }
        self.joined &+= 1
        subscriber.index = UInt32(self.subscribers.count)
        self.subscribers.append(subscriber)
        return self.joined % (self.view.timing.heartbeatTicks / 2)
    }

    func remove(_ subscriber: SSESubscriber, _ end: SSEMetrics.End) {
        for stream in self.view.streams {
            stream.metrics.closed(end).increment()
            stream.metrics.subscribers.add(-1)
        }
        let last = self.subscribers.removeLast()
        if last !== subscriber {
            self.subscribers[Int(subscriber.index)] = last
            last.index = subscriber.index
        }
        self.leaveIfEmpty()
    }

    /// Adds a poll that waits for its answer.
    func add(_ poll: SSEPoll) {
        poll.index = self.polls.count
        self.polls.append(poll)
    }

    func remove(_ poll: SSEPoll) {
        guard let index = poll.index else { return }
        poll.index = nil
        let last = self.polls.removeLast()
        if last !== poll {
            self.polls[index] = last
            last.index = index
        }
        self.leaveIfEmpty()
    }

    private func leaveIfEmpty() {
        if self.subscribers.isEmpty, self.polls.isEmpty { self.shard.remove(self) }
    }

    func deliver(_ batch: SSERenderedBatch, of stream: SSEStream) {
        let chunked = batch.bytes.framed(.chunked)
        var delivered = 0
        // Backwards, because the last subscriber replaces one that disconnects.
        var index = self.subscribers.count - 1
        while index >= 0 {
            if index < self.subscribers.count {
                delivered += self.subscribers[index].deliver(batch, chunked)
            }
            index -= 1
        }
        stream.metrics.delivered.increment(by: delivered)
        for poll in self.polls { poll.search() }
    }

    /// Makes every subscriber read from the history, because new events are decided later.
    func readHistory() {
        // Backwards, because the last subscriber replaces one that disconnects.
        var index = self.subscribers.count - 1
        while index >= 0 {
            if index < self.subscribers.count { self.subscribers[index].readHistory() }
            index -= 1
        }
        for poll in self.polls { poll.search() }
    }

    /// The bytes of the view's events in a batch; consecutive readers of the whole batch share them.
    func bytes(_ events: [SSEItem], of batch: SSEBatch, isWhole: Bool) -> SSEBytes {
        guard isWhole, !events.isEmpty else { return self.view.bytes(events, self.shard.compressor) }
        if let shared, shared.first == batch.first { return shared.bytes }
        let bytes = self.view.bytes(events, self.shard.compressor)
        self.shared = (batch.first, bytes)
        return bytes
    }

    /// The current members.
    var members: [SSESubscriber] { Array(self.subscribers) }

    /// Ends all members: streams spread over a duration, polls at once.
    func close(within span: Duration) {
        for poll in self.polls { poll.end() }
        let group = NIOLoopBound(self, eventLoop: self.shard.eventLoop)
        let count = self.subscribers.count
        let steps = span > .zero ? min(count, 100) : 1
        for step in 0..<steps {
            // At a random time within its part of the span, so that small groups do not all end at its beginning.
            let part = span > .zero ? Double(step) + .random(in: 0..<1) : 0
            let delay = TimeAmount(span * (part / Double(max(1, steps))))
            self.shard.eventLoop.scheduleTask(in: delay) { group.value.stop((count + steps - 1) / steps) }
        }
        self.leaveIfEmpty()
    }

    private func stop(_ count: Int) {
        // Members that are already ending stay until their channels are closed.
        for subscriber in self.subscribers.filter({ !$0.isEnding }).suffix(count) {
            subscriber.stop()
        }
    }

    /// The last cursor and reconnection delay of a subscriber; each delay differs, so that clients do not reconnect in
    /// the same instant.
    ///
    /// - Parameter position: the cursor of the subscriber.
    func farewell(at position: SSECursor) -> SSEBytes {
        let least = self.view.timing.reconnect.milliseconds
        let text = self.view.selection.format.cursor(
            position, retry: least + .random(in: 0...max(1000, least)))
        return self.view.bytes(text, self.shard.compressor)
    }

    // MARK: - Time

    /// Lets time pass.
    func pass(_ time: Duration) {
        self.elapsed += time
        guard self.elapsed >= self.view.timing.tick else { return }
        self.elapsed -= self.view.timing.tick
        self.now &+= 1
        for subscriber in Array(self.subscribers) {
            subscriber.tick()
        }
        for poll in self.polls { poll.tick() }
    }

    /// The cursor of the streams, for a quiet subscriber that events may have skipped; subscribers at one sequence
    /// share the bytes.
    func cursor(at sequence: UInt64) -> SSEBytes {
        if let cursor, cursor.sequence == sequence { return cursor.bytes }
        let text = self.view.selection.format.cursor(SSECursor(epoch: self.view.epoch, sequence: sequence))
        let bytes = self.view.bytes(text, self.shard.compressor)
        self.cursor = (sequence, bytes)
        return bytes
    }
}
