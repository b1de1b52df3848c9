import BridgeCore
import NIOCore

/// Searches backwards for the sequence before the latest N events of all streams of a view.
///
/// It evaluates the view's filter and may read the whole history, so it runs in slices and never under the hub's lock.
/// Events that are published in the meantime have higher sequences than the result.
struct SSELatestSearch {
    /// The approximate number of bytes that are read together.
    private static let step = 16 << 10

    private let view: SSEView
    /// The number of events not found yet.
    private var missing: Int
    /// The sequence before which it continues; `nil` before the first step.
    private var before: UInt64?

    /// - Parameter count: the number of requested events.
    init(view: SSEView, count: Int) {
        self.view = view
        self.missing = count
    }

    /// Continues until the deadline has passed.
    ///
    /// - Returns: the sequence before the requested events; `nil` if the search must continue, or an expression must be
    ///   evaluated first.
    mutating func next(in hub: SSEHub, _ shard: SSEShard, until deadline: NIODeadline) -> UInt64? {
        while true {
            guard self.missing > 0 else { return hub.head }
            let (batches, oldest) = hub.readBack(self.view, before: self.before, atMost: Self.step)
            guard !batches.isEmpty else { return oldest }
            for batch in batches {
                guard let events = self.view.events(of: batch, after: oldest, shard) else { return nil }
                guard events.count < self.missing else { return events[events.count - self.missing].sequence - 1 }
                self.missing -= events.count
                self.before = batch.first
                if NIODeadline.now() >= deadline { return nil }
            }
        }
    }
}
