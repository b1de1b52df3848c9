import NIOCore
import Synchronization

/// Remembers what each sink was given, so that an event that comes back is not delivered there again.
///
/// Two events are the same when their JSON is, which crosses bridges byte for byte. An event with the same id and
/// timestamp but other content passes, up to a limit: routes may change an event each time it comes round. Only events
/// of one source count together, so that a sender cannot make another source's events look like loops. Remembers at
/// least the last 32 768 deliveries. Thread-safe, behind one lock for all sources, because an event may come back
/// through another source.
final class LoopDetector: Sendable {
    /// How many different contents of one id and timestamp may pass from one source to one sink: the number of bridges
    /// that an event may cross.
    static let contents = 8

    private struct State {
        var deliveries = RecentDeliveries(capacity: 32_768, contents: LoopDetector.contents)
        /// How often an index was given to another sink; none for most.
        var renewals: [SinkIndex: UInt64] = [:]
    }

    private let recent = Mutex(State())

    private enum Verdict {
        case passes
        case isRepeated
        case isLooped
    }

    /// Records the deliveries of a batch, and removes those that the same sink was given before.
    ///
    /// - Parameter records: in `native`, whether the record's event came with its own id and timestamp; only these can
    ///   be recognised.
    /// - Returns: how many events lost every delivery, the indices of those refused as loops, and which sinks were
    ///   given one before.
    func filter(_ records: inout [LogRecord], native: [Bool]) -> (repeated: Int, looped: [Int], sinks: [SinkIndex]) {
        self.recent.withLock { recent in
            var count = (repeated: 0, looped: [Int](), sinks: [SinkIndex]())
            var kept: [LogRecord]?
            for index in records.indices {
                let entries = records[index].routing.plan.entries
                var passing: [RoutePlan.Entry]?
                var last = Verdict.passes
                for (place, entry) in entries.enumerated() {
                    let verdict = Self.note(
                        records[index].event(of: entry), sink: entry.sink, variant: entry.variant, isNative: native[index],
                        in: &recent
                    )
                    if verdict == .passes {
                        passing?.append(entry)
                    } else {
                        last = verdict
                        if !count.sinks.contains(entry.sink) { count.sinks.append(entry.sink) }
                        if passing == nil { passing = Array(entries[..<place]) }
                    }
                }
                guard let passing else {
                    kept?.append(records[index])
                    continue
                }
                if kept == nil { kept = Array(records[..<index]) }
                guard !passing.isEmpty else {
                    if last == .isLooped { count.looped.append(index) } else { count.repeated += 1 }
                    continue
                }
                let record = records[index]
                let old = record.routing
                let routing = Routing(
                    plan: RoutePlan(entries: passing, names: old.plan.names), shaped: old.shaped, keys: old.keys, lost: old.lost,
                    readings: old.readings)
                kept?.append(
                    LogRecord(event: record.event, routing: routing, accepted: record.accepted, repeatKey: record.repeatKey))
            }
            if let kept { records = kept }
            return count
        }
    }

    /// Forgets a delivery that a sink did not get: the same event may go there.
    func forget(_ delivery: Delivery, sink: SinkIndex) {
        self.recent.withLock { recent in
            let key = Self.key(delivery.event, sink: sink, variant: delivery.variant, isNative: true, recent.renewals)
            recent.deliveries.forget(key)
        }
    }

    /// Another sink has the index from now on, and was given nothing before.
    func renew(_ sink: SinkIndex) {
        self.recent.withLock { $0.renewals[sink, default: 0] += 1 }
    }

    private static func note(
        _ event: Event, sink: SinkIndex, variant: Int, isNative: Bool, in recent: inout State
    ) -> Verdict {
        let key = self.key(event, sink: sink, variant: variant, isNative: isNative, recent.renewals)
        let verdict = recent.deliveries.note(key)
        // Without its own id and timestamp it is another event, whatever its content.
        guard isNative else { return .passes }
        return switch verdict {
        case .isNew: .passes
        case .isKnown: .isRepeated
        case .isTooMany: .isLooped
        }
    }

    /// The key of a delivery, hashed with a secret of this process, so that senders cannot choose it.
    private static func key(
        _ event: Event, sink: SinkIndex, variant: Int, isNative: Bool, _ renewals: [SinkIndex: UInt64]
    ) -> RecentDeliveries.Key {
        var place = UInt64(truncatingIfNeeded: sink.rawValue) << 32 ^ UInt64(truncatingIfNeeded: variant)
        if !renewals.isEmpty, let renewal = renewals[sink] { place ^= renewal << 48 }
        let time = UInt64(bitPattern: event.timestamp.milliseconds)
        let identity = self.hash.hash(event.id, seed: self.hash.hash(time, seed: place))
        return RecentDeliveries.Key(
            content: event.json.withUnsafeReadableBytes { self.hash.hash($0, seed: identity) },
            identity: UInt32(truncatingIfNeeded: identity),
            group: isNative ? UInt32(truncatingIfNeeded: self.hash.hash(event.source, seed: identity)) : 0, isCounted: isNative
        )
    }

    private static let hash = SecretHash()
}
