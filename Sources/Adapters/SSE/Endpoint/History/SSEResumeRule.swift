import BridgeCore

/// Decides where a new subscriber begins.
///
/// Used under the hub's lock: it finds positions and evaluates no client expression.
struct SSEResumeRule {
    /// The histories of the view's streams, without expired events.
    let histories: [SSEHistory]
    /// The memory of the snapshots of those that have one.
    var snapshots: [Int] = []
    /// The sequence of the latest event of all streams.
    let head: UInt64
    let epoch: String

    func resolve(_ start: SSEStart) -> SSEResolution {
        switch start {
        case .live: return self.resolution(self.head)
        case .snapshot: return self.beginning()
        case .earliest: return self.resolution(self.oldest)
        case .count(0): return self.resolution(self.head)
        case .count: preconditionFailure("the latest events are looked for without the lock")
        case .position(let position): return self.resolution(position)
        case .after(let text):
            guard let cursor = SSECursor(text) else { return self.lost(self.oldest, .malformed, text) }
            guard cursor.epoch == self.epoch else { return self.lost(self.oldest, .epoch, text) }
            guard cursor.sequence <= self.head else { return self.lost(self.oldest, .unknown, text) }
            guard let entry = cursor.entry else {
                guard cursor.sequence >= self.floor else { return self.lost(cursor.sequence, .evicted, text) }
                return self.resolution(cursor.sequence)
            }
            // The client has nothing yet.
            if entry == 0, !self.snapshots.isEmpty { return self.beginning() }
            guard cursor.sequence >= self.floor, !self.snapshots.isEmpty else {
                return self.lost(cursor.sequence, .evicted, text)
            }
            return self.beginning(SSESnapshotPosition(head: cursor.sequence, entry: entry))
        case .time(let time, let text):
            var position = self.head
            for history in self.histories {
                guard let covered = history.position(at: time) else {
                    return self.resolution(self.oldest, gap: .evicted, text)
                }
                if covered < history.last { position = min(position, covered) }
            }
            return self.resolution(position)
        }
    }

    /// The last sequence before the first that every stream may still have.
    private var oldest: UInt64 { self.histories.map { $0.floor }.min() ?? self.head }
    /// The latest sequence that some stream no longer has.
    private var floor: UInt64 { self.histories.map { $0.floor }.max() ?? 0 }

    /// The start of a client that has missed events: a new snapshot where every stream has one, otherwise what the histories
    /// still have.
    private func lost(_ position: UInt64, _ reason: SSEGap.Reason, _ requested: String) -> SSEResolution {
        guard self.snapshots.count == self.histories.count, !self.histories.isEmpty else {
            return self.resolution(position, gap: reason, requested)
        }
        let start = self.beginning()
        return SSEResolution(
            position: start.position, knownLoss: start.knownLoss,
            gap: SSEGap(self.histories, epoch: self.epoch, requested, reason), lag: start.lag, snapshot: start.snapshot)
    }

    /// The start with a snapshot, or within one.
    private func beginning(_ position: SSESnapshotPosition? = nil) -> SSEResolution {
        let position = position ?? SSESnapshotPosition(head: self.head)
        let start = self.resolution(position.head)
        // Reading the snapshot does not count as slow.
        let lag = start.lag + UInt64(self.snapshots.reduce(0, +))
        return SSEResolution(
            position: position.head, knownLoss: start.knownLoss, gap: nil, lag: lag, snapshot: position)
    }

    private func resolution(_ position: UInt64, gap reason: SSEGap.Reason? = nil, _ requested: String = "") -> SSEResolution {
        let floor = self.floor
        // Batches kept for slightly delayed subscribers cannot be requested.
        let start = self.histories.count == 1 ? max(position, floor) : position
        return SSEResolution(
            position: start, knownLoss: floor,
            gap: reason.map { SSEGap(self.histories, epoch: self.epoch, requested, $0) },
            lag: self.histories.reduce(0) { $0 + $1.lag(after: start) }
        )
    }
}

extension SSEGap {
    /// The gap in streams, as of now.
    init(_ histories: [SSEHistory], epoch: String, _ requested: String, _ reason: Reason) {
        let oldest = histories.compactMap { history -> UInt64? in
            let floor = history.floor
            let index = history.index(after: floor)
            return index < history.batches.count ? max(floor + 1, history[index].first) : nil
        }.min()
        let newest = histories.map(\.last).max() ?? 0
        self.init(
            requested: requested, oldest: oldest.map { SSECursor(epoch: epoch, sequence: $0) },
            newest: newest > 0 ? SSECursor(epoch: epoch, sequence: newest) : nil, dropped: nil, reason: reason
        )
    }
}
