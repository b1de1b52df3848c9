import NIOCore

/// The memory of a request, an answer or a stream, as counted by ``HTTPMemory``.
package struct HTTPReservation {
    /// The counted bytes.
    package fileprivate(set) var bytes = 0
    /// When the first of the bytes was counted.
    fileprivate(set) var since = NIODeadline.distantFuture
    fileprivate var index = 0

    /// Makes a hold of no bytes.
    package init() {}
}

/// A request, an answer or a stream whose bytes are counted.
///
/// On its event loop.
package protocol HTTPHolder: AnyObject {
    /// Changed by ``HTTPMemory`` alone.
    var hold: HTTPReservation { get set }

    /// Ends it, because memory is short.
    func shed()
}

/// Counts the memory of requests, answers and streams on one event loop against the server's ``HTTPBudget``.
///
/// Used only on its loop. If there is no room, the oldest holder is ended if it has held its bytes for a second: an
/// active client holds them for milliseconds. Without such a holder the new request is refused.
package final class HTTPMemory {
    private static let grace = TimeAmount.seconds(1)
    private static let patience = TimeAmount.seconds(5)

    private let budget: HTTPBudget
    private let log: HTTPBurstLog
    private var holders: [any HTTPHolder] = []

    init(budget: HTTPBudget, log: HTTPBurstLog) {
        self.budget = budget
        self.log = log
    }

    /// Sets the memory of a holder.
    ///
    /// - Parameter bytes: the total, not the increase.
    /// - Returns: whether there was room; otherwise the count is unchanged.
    package func hold(_ bytes: Int, for holder: any HTTPHolder) -> Bool {
        let own = holder.hold.bytes
        guard bytes > own else {
            if bytes < own { self.shrink(holder, to: bytes) }
            return true
        }
        while !self.budget.take(bytes - own, besides: own) {
            self.log.warnMemoryLimitReached(limit: self.budget.limit)
            guard self.shedOldest(besides: holder, after: Self.grace) else { return false }
        }
        if own == 0 {
            holder.hold.since = .now()
            holder.hold.index = self.holders.count
            self.holders.append(holder)
        }
        holder.hold.bytes = bytes
        return true
    }

    /// Removes a holder.
    package func release(_ holder: any HTTPHolder) {
        if holder.hold.bytes > 0 { self.shrink(holder, to: 0) }
    }

    /// Ends holders that have held their bytes for long, while memory is short.
    ///
    /// Called once a second, because the memory may be needed on other loops.
    func relieve() {
        while self.budget.isShort, self.shedOldest(besides: nil, after: Self.patience) {}
    }

    private func shedOldest(besides holder: (any HTTPHolder)?, after age: TimeAmount) -> Bool {
        let others = self.holders.filter { $0 !== holder }
        guard let oldest = others.min(by: { $0.hold.since < $1.hold.since }), oldest.hold.since + age <= .now() else {
            return false
        }
        oldest.shed()
        self.release(oldest)
        return true
    }

    private func shrink(_ holder: any HTTPHolder, to bytes: Int) {
        self.budget.give(holder.hold.bytes - bytes)
        holder.hold.bytes = bytes
        guard bytes == 0 else { return }
        holder.hold.since = .distantFuture
        let last = self.holders.removeLast()
        if last !== holder {
            self.holders[holder.hold.index] = last
            last.hold.index = holder.hold.index
        }
    }
}
