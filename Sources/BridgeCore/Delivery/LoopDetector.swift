import NIOCore
import Synchronization

/// Remembers what each sink was given, so that an event that comes back does not go there again.
///
/// An event is the same when its JSON is, which is passed on byte for byte across bridges. One that says something else under the same id
/// and timestamp passes, but not for ever: routes may change an event each time it comes round. Only those of one source count together,
/// so that whoever sends to one source cannot have events of another taken for a loop. Remembers at least the last 32 768
/// deliveries. Thread-safe, behind one lock for all sources, because an event may come back through another source.
final class LoopDetector: Sendable {
    /// How many different contents an id with its timestamp may bring from one source to one sink: as many as bridges that an event may cross.
    static let contents = 8

    private let recent = Mutex(RecentDeliveries(capacity: 32_768, contents: LoopDetector.contents))

    private enum Verdict {
        case passes
        case isRepeated
        case isLooped
    }

    /// Notes the deliveries of a batch, and takes out of it what the same sink was given before.
    ///
    /// - Parameter records: in `native`, whether the record's event brought an id and a timestamp of its own: only such can be told
    ///   to be repeated.
    /// - Returns: how many events lost every delivery, the places of those of them that are not the same as one before, and which sinks were
    ///   given one before.
    func filter(_ records: inout [LogRecord], native: [Bool]) -> (repeated: Int, looped: [Int], sinks: [SinkIndex]) {
        self.recent.withLock { recent in
            var count = (repeated: 0, looped: [Int](), sinks: [SinkIndex]())
            var kept: [LogRecord]?
            for (index, record) in records.enumerated() {
                let entries = record.routing.plan.entries
                var passing: [RoutePlan.Entry]?
                var last = Verdict.passes
                for (place, entry) in entries.enumerated() {
                    let verdict = Self.note(
                        record.event(of: entry), sink: entry.sink, variant: entry.variant, isNative: native[index], in: &recent
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
                    kept?.append(record)
                    continue
                }
                if kept == nil { kept = Array(records[..<index]) }
                guard !passing.isEmpty else {
                    if last == .isLooped { count.looped.append(index) } else { count.repeated += 1 }
                    continue
                }
                let old = record.routing
                let routing = Routing(plan: RoutePlan(entries: passing), shaped: old.shaped, keys: old.keys, lost: old.lost)
                kept?.append(
                    LogRecord(event: record.event, routing: routing, accepted: record.accepted, repeatKey: record.repeatKey))
            }
            if let kept { records = kept }
            return count
        }
    }

    /// A sink has not had a delivery after all: the same event may go there.
    func forget(_ delivery: Delivery, sink: SinkIndex) {
        let key = Self.key(delivery.event, sink: sink, variant: delivery.variant, isNative: true)
        self.recent.withLock { $0.forget(key) }
    }

    private static func note(
        _ event: Event, sink: SinkIndex, variant: Int, isNative: Bool, in recent: inout RecentDeliveries
    ) -> Verdict {
        let verdict = recent.note(self.key(event, sink: sink, variant: variant, isNative: isNative))
        // Without an id and a timestamp of its own it is another event, whatever it says.
        guard isNative else { return .passes }
        return switch verdict {
        case .isNew: .passes
        case .isKnown: .isRepeated
        case .isTooMany: .isLooped
        }
    }

    /// What is remembered of a delivery; hashed with a key of this process, which no sender knows.
    private static func key(_ event: Event, sink: SinkIndex, variant: Int, isNative: Bool) -> RecentDeliveries.Key {
        var hasher = Hasher()
        hasher.combine(event.id)
        hasher.combine(event.timestamp)
        hasher.combine(sink)
        hasher.combine(variant)
        var (content, group) = (hasher, hasher)
        event.json.withUnsafeReadableBytes { content.combine(bytes: $0) }
        if isNative { group.combine(event.source) }
        return RecentDeliveries.Key(
            content: UInt64(bitPattern: Int64(content.finalize())), identity: UInt32(truncatingIfNeeded: hasher.finalize()),
            group: isNative ? UInt32(truncatingIfNeeded: group.finalize()) : 0, isCounted: isNative
        )
    }
}
