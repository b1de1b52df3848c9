import BridgeCore
import Compression
import NIOCore

/// The subscribers on one event loop, by view, and the one timer that they share.
///
/// Only ever touched on its loop.
final class SSEShard {
    let eventLoop: any EventLoop
    /// For readers of the history.
    let reader = EventReader()
    let compressor = SegmentCompressor()
    /// Work for clients that could keep the loop busy.
    let jobs: SSEJobQueue
    /// Everything up to this sequence has been handed to the subscribers here.
    private(set) var through: UInt64 = 0
    private var groups: [ObjectIdentifier: SSEGroup] = [:]
    private var timer: RepeatedTask?
    private var grain = Duration.seconds(1)

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.jobs = SSEJobQueue(eventLoop: eventLoop)
    }

    /// The group of a view, created on first use.
    func group(of view: SSEView, hub: SSEHub) -> SSEGroup {
        if let group = self.groups[ObjectIdentifier(view)] { return group }
        let group = SSEGroup(view: view, hub: hub, shard: self)
        self.groups[ObjectIdentifier(view)] = group
        self.startTimer(view.timing.tick)
        return group
    }

    /// Removes a group without members.
    func remove(_ group: SSEGroup) {
        self.groups[ObjectIdentifier(group.view)] = nil
        if self.groups.isEmpty {
            self.timer?.cancel()
            self.timer = nil
        }
    }

    /// Writes new events to every subscriber that has all earlier ones.
    ///
    /// - Parameters:
    ///   - undecided: the views whose expressions are not evaluated for the batch.
    ///   - sequence: the last of the batch, even if a view does not have it.
    func deliver(_ rendered: [SSERenderedBatch], undecided: [SSEView], of stream: SSEStream, through sequence: UInt64) {
        self.through = sequence
        for batch in rendered {
            self.groups[ObjectIdentifier(batch.view)]?.deliver(batch, of: stream)
        }
        for view in undecided { self.groups[ObjectIdentifier(view)]?.readHistory() }
    }

    /// The groups of a stream's subscribers.
    func groups(of stream: SSEStream) -> [SSEGroup] {
        self.groups.values.filter { $0.view.streams.contains { $0 === stream } }
    }

    /// All subscribers here.
    var members: [SSESubscriber] { self.groups.values.flatMap(\.members) }

    /// The subscriber with a number.
    func member(_ number: UInt64) -> SSESubscriber? {
        self.members.first { $0.lease.number == number }
    }

    private func startTimer(_ tick: Duration) {
        guard self.timer == nil || tick < self.grain else { return }
        self.timer?.cancel()
        self.grain = self.timer == nil ? tick : min(self.grain, tick)
        let shard = NIOLoopBound(self, eventLoop: self.eventLoop)
        let length = TimeAmount(self.grain)
        self.timer = self.eventLoop.scheduleRepeatedTask(initialDelay: length, delay: length) { _ in shard.value.tick() }
    }

    private func tick() {
        for group in self.groups.values {
            group.pass(self.grain)
        }
    }
}
