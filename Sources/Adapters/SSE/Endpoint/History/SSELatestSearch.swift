import BridgeCore
import NIOCore

/// Looks for the place before a view's latest events, so many of all its streams together, from the newest back.
///
/// It evaluates the view's filter and may have to look at everything that is remembered, so it is done in slices and never under the hub's lock.
/// What is published meanwhile comes after the place that it finds.
struct SSELatestSearch {
    /// Bytes of the streams that are fetched at once, about.
    private static let step = 16 << 10

    private let view: SSEView
    /// Events that are not found yet.
    private var missing: Int
    /// The sequence before which it goes on; `nil` before the first step.
    private var before: UInt64?

    /// - Parameter count: how many events are wanted.
    init(view: SSEView, count: Int) {
        self.view = view
        self.missing = count
    }

    /// Goes on until the deadline has passed.
    ///
    /// - Returns: the sequence of the last event before those that were wanted; `nil` when there is more to look at, or something to be
    ///   decided first.
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
