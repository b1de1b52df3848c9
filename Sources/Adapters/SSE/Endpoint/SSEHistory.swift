import BridgeCore
import NIOCore
import Synchronization

/// What a stream remembers: its latest batches, ready to be sent again.
///
/// Thread-safe behind one lock, taken once per published batch, once per joining subscriber, and by subscribers that have fallen behind.
final class SSEHistory: Sendable {
    let epoch: String
    private let replay: SSESinkConfiguration.Replay
    private let slowBytes: Int
    private let ring: Mutex<Ring>

    init(epoch: String, replay: SSESinkConfiguration.Replay, slowBytes: Int) {
        self.epoch = epoch
        self.replay = replay
        self.slowBytes = slowBytes
        self.ring = Mutex(Ring())
    }

    /// Renders and keeps events, and forgets what is over the limits.
    ///
    /// Called by one publisher at a time.
    func append(_ deliveries: ArraySlice<Delivery>, time: Timestamp) -> SSEBatch {
        let (first, offset) = self.ring.withLock { ($0.head + 1, $0.endOffset) }
        let batch = SSEBatch(deliveries, epoch: self.epoch, first: first, offset: offset, time: time)
        self.ring.withLock { ring in
            ring.append(batch)
            ring.forget(self.replay, keeping: self.slowBytes, now: time)
        }
        return batch
    }

    /// The sequence of the latest event; 0 when there was none.
    var head: UInt64 { self.ring.withLock { $0.head } }

    /// Where a subscriber's reading goes on.
    enum Reading {
        /// It has everything.
        case current
        /// The next bytes; `next` and `offset` stand after them.
        case pieces([(batch: SSEBatch, from: UInt64)], next: UInt64, offset: UInt64)
        /// What it needs is forgotten.
        case lost
    }

    /// Reads from an event on.
    ///
    /// - Parameter bytes: enough to stop at; at least one batch is read.
    func read(from next: UInt64, atMost bytes: Int) -> Reading {
        self.ring.withLock { ring in
            guard next <= ring.head else { return .current }
            guard var index = ring.index(of: next) else { return .lost }
            var pieces: [(batch: SSEBatch, from: UInt64)] = []
            var start = next
            var size = 0
            var offset: UInt64 = 0
            while index < ring.batches.count, size < bytes {
                let batch = ring.batches[ring.batches.index(ring.batches.startIndex, offsetBy: index)]
                pieces.append((batch, start))
                size += Int(batch.endOffset - batch.offset(of: start))
                start = batch.end
                offset = batch.endOffset
                index += 1
            }
            return .pieces(pieces, next: start, offset: offset)
        }
    }

    /// Decides where a new subscriber begins.
    func resolve(_ start: SSEStart, now: Timestamp) -> SSEResolution {
        self.ring.withLock { ring in
            ring.forget(self.replay, keeping: self.slowBytes, now: now)
            let oldest = ring.oldest(self.replay, now: now)
            let live = ring.head + 1
            func resolution(_ next: UInt64, gap reason: SSEResolution.Gap.Reason? = nil, _ requested: String = "")
                -> SSEResolution
            {
                SSEResolution(
                    next: next, offset: ring.offset(of: next),
                    gap: reason.map {
                        SSEResolution.Gap(
                            requested: requested,
                            oldest: oldest <= ring.head ? SSECursor(epoch: self.epoch, sequence: oldest) : nil,
                            newest: ring.head > 0 ? SSECursor(epoch: self.epoch, sequence: ring.head) : nil, reason: $0
                        )
                    },
                    lag: ring.endOffset - ring.offset(of: next)
                )
            }
            switch start {
            case .live: return resolution(live)
            case .earliest: return resolution(oldest)
            case .count(let count): return resolution(max(oldest, live - min(UInt64(count), ring.head)))
            case .after(let text):
                guard let cursor = SSECursor(text) else { return resolution(oldest, gap: .malformed, text) }
                guard cursor.epoch == self.epoch else { return resolution(oldest, gap: .epoch, text) }
                guard cursor.sequence <= ring.head else { return resolution(oldest, gap: .unknown, text) }
                guard cursor.sequence + 1 >= oldest else { return resolution(oldest, gap: .evicted, text) }
                return resolution(cursor.sequence + 1)
            case .time(let time, let text):
                let next = ring.batches.first { $0.time >= time }?.first ?? live
                let isCovered = next > oldest || (next == oldest && ring.forgotten < time)
                return isCovered ? resolution(max(next, oldest)) : resolution(oldest, gap: .evicted, text)
            }
        }
    }

    private struct Ring {
        var batches = CircularBuffer<SSEBatch>()
        var head: UInt64 = 0
        var endOffset: UInt64 = 0
        private var memory = 0
        /// When the latest forgotten event was published.
        private(set) var forgotten = Timestamp(milliseconds: .min)

        mutating func append(_ batch: SSEBatch) {
            self.batches.append(batch)
            self.head = batch.end - 1
            self.endOffset = batch.endOffset
            self.memory += batch.memory
        }

        /// Forgets the oldest batches, as long as more than `bytes` of the stream remain, which subscribers that are a little behind need.
        mutating func forget(_ replay: SSESinkConfiguration.Replay, keeping bytes: Int, now: Timestamp) {
            while let batch = self.batches.first, self.endOffset - batch.endOffset >= UInt64(bytes),
                self.memory > replay.bytes || self.head + 1 - batch.end >= UInt64(replay.events) || Self.isOld(batch, replay, now)
            {
                self.memory -= batch.memory
                self.forgotten = max(self.forgotten, batch.time)
                self.batches.removeFirst()
            }
        }

        /// The first event that may be asked for; `head + 1` when there is none.
        func oldest(_ replay: SSESinkConfiguration.Replay, now: Timestamp) -> UInt64 {
            let kept = min(UInt64(replay.events), self.head)
            var oldest = max(self.batches.first?.first ?? self.head + 1, self.head + 1 - kept)
            var memory = self.memory
            for batch in self.batches {
                guard memory > replay.bytes || Self.isOld(batch, replay, now) else { break }
                memory -= batch.memory
                oldest = max(oldest, batch.end)
            }
            return oldest
        }

        /// The place of the batch that holds an event, in O(log n).
        func index(of sequence: UInt64) -> Int? {
            guard let first = self.batches.first, sequence >= first.first, sequence <= self.head else { return nil }
            var low = 0
            var high = self.batches.count - 1
            while low < high {
                let middle = (low + high + 1) / 2
                if self.batches[self.batches.index(self.batches.startIndex, offsetBy: middle)].first <= sequence {
                    low = middle
                } else {
                    high = middle - 1
                }
            }
            return low
        }

        func offset(of sequence: UInt64) -> UInt64 {
            guard let index = self.index(of: sequence) else { return self.endOffset }
            return self.batches[self.batches.index(self.batches.startIndex, offsetBy: index)].offset(of: sequence)
        }

        private static func isOld(_ batch: SSEBatch, _ replay: SSESinkConfiguration.Replay, _ now: Timestamp) -> Bool {
            guard let age = replay.age else { return false }
            return now.milliseconds - batch.time.milliseconds > age.components.seconds * 1000
                + age.components.attoseconds / 1_000_000_000_000_000
        }
    }
}
