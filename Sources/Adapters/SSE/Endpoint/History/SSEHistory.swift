import BridgeCore
import NIOCore

/// The history of one stream: its latest batches.
///
/// A value, guarded by the hub's lock. Finding an event or a time takes O(log n).
struct SSEHistory {
    private let replay: SSESinkConfiguration.Replay
    private let slowBytes: Int
    private(set) var batches = CircularBuffer<SSEBatch>()
    /// The sequence of the stream's latest event; 0 when there is none.
    private(set) var last: UInt64 = 0
    private(set) var endOffset: UInt64 = 0
    private var count = 0
    private var memory = 0
    /// The latest removed sequence; 0 when there is none.
    private(set) var forgotten: UInt64 = 0
    /// When the latest removed event was published.
    private var forgottenTime = Timestamp(milliseconds: .min)
    /// Batches at the front that exceed the limits and are kept only for subscribers that are slightly behind: their
    /// number, events and memory.
    private var outdated = (batches: 0, events: 0, memory: 0)

    init(replay: SSESinkConfiguration.Replay, slowBytes: Int) {
        self.replay = replay
        self.slowBytes = slowBytes
    }

    mutating func append(_ batch: SSEBatch) {
        var batch = batch
        batch.follow(self.batches.last)
        self.batches.append(batch)
        self.last = batch.last
        self.endOffset = batch.endOffset
        self.count += batch.events.count
        self.memory += batch.memory
        self.forget(now: batch.time)
    }

    /// Begins with what an earlier run of the program has published.
    ///
    /// - Parameter forgotten: the latest sequence that may have been an event of this stream; 0 when all are known.
    mutating func restore(_ batches: [SSEBatch], forgotten: UInt64) {
        self.forgotten = forgotten
        for batch in batches { self.append(batch) }
        // No later than the first known time; without one, it is unknown.
        if forgotten > 0 { self.forgottenTime = max(self.forgottenTime, batches.first?.time ?? .now()) }
    }

    /// Removes the oldest batches that exceed the limits, but keeps what slightly delayed subscribers need.
    mutating func forget(now: Timestamp) {
        while let batch = self.oldestCurrent, self.isOver(batch, now) {
            self.outdated.batches += 1
            self.outdated.events += batch.events.count
            self.outdated.memory += batch.memory
        }
        while self.outdated.batches > 0, let batch = self.batches.first,
            self.endOffset - batch.endOffset >= UInt64(self.slowBytes)
        {
            self.outdated.batches -= 1
            self.outdated.events -= batch.events.count
            self.outdated.memory -= batch.memory
            self.memory -= batch.memory
            self.count -= batch.events.count
            self.forgotten = batch.last
            self.forgottenTime = max(self.forgottenTime, batch.time)
            self.batches.removeFirst()
        }
    }

    /// The latest sequence that clients can no longer request: removed, or kept only for slightly delayed subscribers.
    ///
    /// As of the last ``forget(now:)``; a batch of which some events exceed the limit still has the others.
    var floor: UInt64 {
        let excess = self.count - self.outdated.events - self.replay.events
        if excess > 0, let batch = self.oldestCurrent { return batch.first + UInt64(excess) - 1 }
        return self.outdated.batches > 0 ? self[self.outdated.batches - 1].last : self.forgotten
    }

    /// The first batch that clients can request.
    private var oldestCurrent: SSEBatch? {
        self.outdated.batches < self.batches.count ? self[self.outdated.batches] : nil
    }

    /// Whether the first requestable batch must be removed.
    private func isOver(_ batch: SSEBatch, _ now: Timestamp) -> Bool {
        self.memory - self.outdated.memory > self.replay.bytes
            || self.count - self.outdated.events - self.replay.events >= batch.events.count || self.isOld(batch, now)
    }

    /// The index of the first batch with an event after a sequence; the count if there is none.
    func index(after sequence: UInt64) -> Int {
        self.firstIndex { $0.last > sequence }
    }

    /// The index of the first batch with a property that all later ones have too; the count if there is none.
    private func firstIndex(where hasProperty: (SSEBatch) -> Bool) -> Int {
        var low = 0
        var high = self.batches.count
        while low < high {
            let middle = (low + high) / 2
            if hasProperty(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Bytes of the stream after a sequence.
    func lag(after sequence: UInt64) -> UInt64 {
        let index = self.index(after: sequence)
        guard index < self.batches.count else { return 0 }
        return self.endOffset - self[index].offset(through: sequence)
    }

    /// The last sequence before the first event that was published at or after a time; `nil` when such events may be forgotten.
    func position(at time: Timestamp) -> UInt64? {
        guard self.forgotten == 0 || self.forgottenTime < time else { return nil }
        let index = self.firstIndex { $0.latestTime >= time }
        let position = index < self.batches.count ? self[index].first - 1 : self.last
        return position >= self.floor ? position : nil
    }

    subscript(index: Int) -> SSEBatch {
        self.batches[self.batches.index(self.batches.startIndex, offsetBy: index)]
    }

    private func isOld(_ batch: SSEBatch, _ now: Timestamp) -> Bool {
        guard let age = self.replay.age else { return false }
        return now.milliseconds - batch.time.milliseconds > age.milliseconds
    }
}
