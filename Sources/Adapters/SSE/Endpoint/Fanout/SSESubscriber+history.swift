import BridgeCore
import NIOCore

/// How a subscriber reads missing events from the history.
extension SSESubscriber {
    /// The approximate number of bytes that are written from the history at a time.
    private static let step = 16 << 10

    /// Reads missing events, now or in its turn.
    func startReading() {
        let (group, machine) = (self.group, self.machine)
        guard machine.isShortening, self.beginning == nil,
            var shortening = SSEShortening(group.view, in: group.hub, position: machine.position, knownLoss: machine.knownLoss)
        else {
            self.machine.needsNoShortening()
            group.shard.jobs.begin { deadline in self.read(until: deadline) }
            return
        }
        group.shard.jobs.begin { deadline in
            self.shorten(&shortening, until: deadline) && self.read(until: deadline)
        }
    }

    /// Writes missing events, as long as the socket has room and until the deadline has passed.
    ///
    /// - Returns: whether it is done for now.
    private func read(until deadline: NIODeadline) -> Bool {
        guard let context else { return true }
        let (group, view) = (self.group, self.group.view)
        while true {
            let isWritable = context.channel.isWritable
            let step = self.machine.nextStep(now: group.now, isWritable: isWritable, buffered: SSESocket.buffered(context))
            guard case .read(let position, let knownLoss) = step else { return true }
            if let snapshot = self.beginning?.snapshot {
                guard self.write(snapshot: snapshot, context), NIODeadline.now() < deadline else { return false }
                continue
            }
            switch group.hub.read(view, after: position, knownLoss: knownLoss, atMost: Self.step) {
            case .current(let head):
                self.machine.caughtUp(to: head)
                return true
            case .lost(let forgotten):
                switch self.machine.lost(through: forgotten, view.timing, now: group.now) {
                case .close:
                    self.perform(.close)
                    return true
                case .writeGap(let since): self.writeGap(since: since, dropped: nil, context)
                }
            case .batches(let batches, let through) where view.isDecidedLater:
                guard self.write(decided: batches, through: through, context) else { return false }
            case .batches(let batches, let through):
                let events = batches.flatMap { view.events(of: $0, after: position, group.shard.reader) }
                guard self.machine.read(through: through, hasEvents: !events.isEmpty, now: group.now) else { break }
                self.write(own: view.bytes(events, group.shard.compressor), context)
                batches[0].stream.metrics.delivered.increment(by: events.count)
            }
            if NIODeadline.now() >= deadline { return false }
        }
    }

    /// Writes the next events of a snapshot, or its end.
    ///
    /// - Returns: false when an expression is not evaluated yet.
    private func write(snapshot: SSESnapshotPosition, _ context: ChannelHandlerContext) -> Bool {
        let (group, view) = (self.group, self.group.view)
        guard let batch = group.hub.readSnapshot(view, snapshot, atMost: Self.step) else {
            self.beginning = nil
            let text = view.selection.format.snapshot("end", SSECursor(epoch: view.epoch, sequence: snapshot.head))
            self.machine.wroteSnapshot(now: group.now)
            self.write(own: view.bytes(text, group.shard.compressor), context)
            return true
        }
        guard let items = view.events(of: batch, after: snapshot.entry, group.shard) else { return false }
        self.beginning?.snapshot?.entry = batch.last
        guard !items.isEmpty else { return true }
        self.machine.wroteSnapshot(now: group.now)
        self.write(own: view.bytes(items.map { $0.within(snapshot: snapshot.head) }, group.shard.compressor), context)
        batch.stream.metrics.delivered.increment(by: items.count)
        return true
    }

    /// Writes batches whose events are selected by an expression.
    ///
    /// - Returns: false when that is not decided yet.
    private func write(decided batches: [SSEBatch], through: UInt64, _ context: ChannelHandlerContext) -> Bool {
        let (group, view) = (self.group, self.group.view)
        for batch in batches {
            let position = self.machine.position
            guard let events = view.events(of: batch, after: position, group.shard) else { return false }
            let last = batch.last == batches.last?.last ? through : batch.last
            guard self.machine.read(through: last, hasEvents: !events.isEmpty, now: group.now) else { continue }
            self.write(own: group.bytes(events, of: batch, isWhole: position < batch.first), context)
            batch.stream.metrics.delivered.increment(by: events.count)
        }
        return true
    }

    /// Skips events for a reader that could not keep up.
    ///
    /// - Returns: whether that is done.
    private func shorten(_ shortening: inout SSEShortening, until deadline: NIODeadline) -> Bool {
        guard let context, self.machine.isShortening else { return true }
        let (group, view) = (self.group, self.group.view)
        guard let result = shortening.next(in: group.hub, group.shard, until: deadline) else { return false }
        switch result {
        case .gap(let through, let since, let dropped):
            self.machine.skipped(through: through, now: group.now)
            self.writeGap(since: since, dropped: dropped, context)
        case .events(let latest, let through, let replaced):
            guard self.machine.read(through: through, hasEvents: !latest.isEmpty, now: group.now) else { break }
            // First: who reads the events may look at the counters.
            view.streams[0].metrics.conflated.increment(by: replaced)
            view.streams[0].metrics.delivered.increment(by: latest.count)
            self.write(own: view.bytes(latest, group.shard.compressor), context)
        }
        return true
    }

    private func writeGap(since position: UInt64, dropped: Int?, _ context: ChannelHandlerContext) {
        let view = self.group.view
        var gap = self.group.hub.gap(view, "\(SSECursor(epoch: view.epoch, sequence: position))", .slow)
        gap.dropped = dropped
        view.streams.forEach { $0.metrics.gaps.increment() }
        self.write(own: view.bytes(view.selection.format.gap(gap), self.group.shard.compressor), context)
    }
}
