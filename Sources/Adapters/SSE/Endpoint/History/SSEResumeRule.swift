import BridgeCore

/// Decides where a new subscriber begins.
///
/// Used under the hub's lock: it finds positions and evaluates no client expression.
struct SSEResumeRule {
    /// The histories of the view's streams, without expired events.
    let histories: [SSEHistory]
    /// The sequence of the latest event of all streams.
    let head: UInt64
    let epoch: String

    func resolve(_ start: SSEStart) -> SSEResolution {
        switch start {
        case .live: return self.resolution(self.head)
        case .earliest: return self.resolution(self.oldest)
        case .count(0): return self.resolution(self.head)
        case .count: preconditionFailure("the latest events are looked for without the lock")
        case .position(let position): return self.resolution(position)
        case .after(let text):
            guard let cursor = SSECursor(text) else { return self.resolution(self.oldest, gap: .malformed, text) }
            guard cursor.epoch == self.epoch else { return self.resolution(self.oldest, gap: .epoch, text) }
            guard cursor.sequence <= self.head else { return self.resolution(self.oldest, gap: .unknown, text) }
            guard cursor.sequence >= self.floor else { return self.resolution(cursor.sequence, gap: .evicted, text) }
            return self.resolution(cursor.sequence)
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
