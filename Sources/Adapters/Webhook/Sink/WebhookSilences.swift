import BridgeCore
import Synchronization

/// The deliveries that a peer has taken and not answered.
///
/// Thread-safe. Costs nothing while no time-out has occurred.
final class WebhookSilences: Sendable {
    /// After this many time-outs of one delivery the peer is probed before the next attempt too.
    private static let patience = 2
    /// More than deliveries can be in flight; those that became dead letters are not reported here.
    private static let limit = 2000

    private struct Count {
        var all = 0
        /// How many of them in a row while the peer answered others.
        var alone = 0
    }

    private let counts = Mutex<[String: Count]>([:])

    /// The peer has not answered in time.
    ///
    /// - Returns: whether the delivery is to blame. The first time it is not: the peer may have just come back.
    func note(_ delivery: Delivery, answersOthers: Bool) -> Bool {
        self.counts.withLock { counts in
            if counts.count >= Self.limit { counts = [:] }
            var count = counts[delivery.idempotencyKey] ?? Count()
            count.all += 1
            count.alone = answersOthers ? count.alone + 1 : 0
            counts[delivery.idempotencyKey] = count
            return count.alone > 1
        }
    }

    /// Whether the delivery may be what stops the peer.
    func areSuspicious(_ delivery: Delivery) -> Bool {
        self.counts.withLock { !$0.isEmpty && $0[delivery.idempotencyKey, default: Count()].all >= Self.patience }
    }

    /// The peer has answered.
    func ended(_ delivery: Delivery) {
        self.counts.withLock { if !$0.isEmpty { $0[delivery.idempotencyKey] = nil } }
    }
}
