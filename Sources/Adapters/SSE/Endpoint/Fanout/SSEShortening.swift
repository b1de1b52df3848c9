import BridgeCore
import NIOCore

/// Skips events for a reader that could not keep up: `slow_client.policy`.
///
/// Runs in slices, because the reader may be behind by the whole history.
struct SSEShortening {
    /// What to send before the reader continues.
    enum Result {
        /// The reader misses all events between two sequences; the count is `nil` if unknown.
        case gap(through: UInt64, since: UInt64, dropped: Int?)
        /// The reader gets these events, possibly none, and then has everything up to `through`; the rest were replaced
        /// by later ones.
        case events([SSEItem], through: UInt64, replaced: Int)
    }

    private enum Work {
        case dropping(dropped: Int?)
        case conflating(SSEConflation)
    }

    private let view: SSEView
    private let start: UInt64
    /// How far it has read.
    private var position: UInt64
    private var work: Work

    /// - Parameters:
    ///   - position: the sequence up to which the reader has everything.
    ///   - knownLoss: the latest sequence whose loss it knows of.
    /// - Returns: `nil` if no event can be skipped.
    init?(_ view: SSEView, in hub: SSEHub, position: UInt64, knownLoss: UInt64) {
        self.view = view
        self.start = position
        self.position = position
        switch view.timing.slow.policy {
        case .disconnect: return nil
        case .conflate: self.work = .conflating(SSEConflation())
        case .dropOldest:
            guard hub.lag(view, after: position) > UInt64(view.timing.slow.bytes) else { return nil }
            // Removed events cannot be counted.
            if case .lost = hub.read(view, after: position, knownLoss: knownLoss, atMost: 1) {
                self.work = .dropping(dropped: nil)
            } else {
                self.work = .dropping(dropped: 0)
            }
        }
    }

    /// Continues until the deadline has passed.
    ///
    /// - Returns: `nil` when there is more to do, or an expression must be evaluated first.
    mutating func next(in hub: SSEHub, _ shard: SSEShard, until deadline: NIODeadline) -> Result? {
        repeat {
            switch self.work {
            case .dropping(let dropped):
                guard hub.lag(self.view, after: self.position) > UInt64(self.view.timing.slow.bytes) / 2,
                    case .batches(let batches, let through) = hub.read(
                        self.view, after: self.position, knownLoss: .max, atMost: 1)
                else { return .gap(through: self.position, since: self.start, dropped: dropped) }
                // One batch at a time, so that none is counted twice.
                guard let batch = batches.first else {
                    self.position = through
                    continue
                }
                guard let events = self.view.events(of: batch, after: self.position, shard) else { return nil }
                self.work = .dropping(dropped: dropped.map { $0 + events.count })
                self.position = batch.last
            case .conflating(var conflation):
                // The only reference to it, so that it is not copied.
                self.work = .dropping(dropped: nil)
                switch hub.read(self.view, after: self.position, knownLoss: .max, atMost: 16 << 10) {
                case .batches(let batches, let through):
                    for batch in batches {
                        guard let events = self.view.events(of: batch, after: self.position, shard),
                            let keys = self.view.keys(of: batch, after: self.position, shard)
                        else {
                            self.work = .conflating(conflation)
                            return nil
                        }
                        conflation.add(events, keys: keys)
                        self.position = batch.last
                    }
                    self.position = through
                    self.work = .conflating(conflation)
                case .current(let head):
                    return .events(conflation.latest, through: head, replaced: conflation.replaced)
                case .lost:
                    preconditionFailure("every loss counts as known")
                }
            }
        } while NIODeadline.now() < deadline
        return nil
    }
}
