import BridgeCore

/// Decides where somebody who joins streams begins.
struct SSEResolver {
    let view: SSEView
    let histories: [SSEHistory]
    /// The sequence of the latest event of all streams.
    let head: UInt64
    let epoch: String
    let now: Timestamp

    func resolve(_ start: SSEStart) -> SSEResolution {
        switch start {
        case .live: return self.resolution(self.head)
        case .earliest: return self.resolution(self.oldest)
        case .count(let count): return self.resolution(self.position(latest: count))
        case .after(let text):
            guard let cursor = SSECursor(text) else { return self.resolution(self.oldest, gap: .malformed, text) }
            guard cursor.epoch == self.epoch else { return self.resolution(self.oldest, gap: .epoch, text) }
            guard cursor.sequence <= self.head else { return self.resolution(self.oldest, gap: .unknown, text) }
            guard cursor.sequence >= self.floor else { return self.resolution(cursor.sequence, gap: .evicted, text) }
            return self.resolution(cursor.sequence)
        case .time(let time, let text):
            var position = self.head
            for history in self.histories {
                guard let covered = history.position(at: time, now: self.now) else {
                    return self.resolution(self.oldest, gap: .evicted, text)
                }
                if covered < history.last { position = min(position, covered) }
            }
            return self.resolution(position)
        }
    }

    /// The last sequence before the first that every stream may still have.
    private var oldest: UInt64 { self.histories.map { $0.floor(now: self.now) }.min() ?? self.head }
    /// The latest sequence that some stream no longer has.
    private var floor: UInt64 { self.histories.map { $0.floor(now: self.now) }.max() ?? 0 }

    /// The last sequence before the view's latest events, so many of all streams together.
    private func position(latest count: Int) -> UInt64 {
        guard count > 0 else { return self.head }
        let reader = EventReader()
        let oldest = self.oldest
        var places = self.histories.map { ($0, $0.batches.count) }
        var missing = count
        while true {
            // The latest batch that is not counted yet.
            let candidates = places.indices.filter { places[$0].1 > 0 }
            guard let index = candidates.max(by: { Self.last(places[$0]) < Self.last(places[$1]) }) else { return oldest }
            places[index].1 -= 1
            let batch = places[index].0[places[index].1]
            let events = self.view.events(of: batch, after: oldest, reader)
            guard events.count < missing else { return events[events.count - missing].sequence - 1 }
            missing -= events.count
        }
    }

    private static func last(_ place: (SSEHistory, Int)) -> UInt64 { place.0[place.1 - 1].last }

    private func resolution(_ position: UInt64, gap reason: SSEGap.Reason? = nil, _ requested: String = "") -> SSEResolution {
        let floor = self.floor
        // What is kept for those who are a little behind is nothing that can be asked for.
        let start = self.histories.count == 1 ? max(position, floor) : position
        return SSEResolution(
            position: start, told: floor,
            gap: reason.map { SSEGap(self.histories, epoch: self.epoch, now: self.now, requested, $0) },
            lag: self.histories.reduce(0) { $0 + $1.lag(after: start) }
        )
    }
}

extension SSEGap {
    /// What is missing from streams, as it stands now.
    init(_ histories: [SSEHistory], epoch: String, now: Timestamp, _ requested: String, _ reason: Reason) {
        let oldest = histories.compactMap { history -> UInt64? in
            let floor = history.floor(now: now)
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
