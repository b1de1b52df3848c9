import NIOCore
import Synchronization

/// Remembers what each sink was given, so that an event that comes back does not go there again.
///
/// An event is the same when its JSON is, which is passed on byte for byte across bridges. One that says something else under the same id
/// and timestamp passes, but not for ever: routes may change an event each time it comes round. Only those of one source count together,
/// so that whoever sends to one source cannot have events of another taken for a loop. Remembers at least the last 32 768
/// deliveries. Thread-safe, behind one lock for all sources, because an event may come back through another source.
final class LoopGuard: Sendable {
    /// How many different contents an id with its timestamp may bring from one source to one sink: as many as bridges that an event may cross.
    static let contents = 8

    private let recent = Mutex(RecentSet(capacity: 65_536))

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
                        Key(record.event(of: entry), sink: entry.sink, variant: entry.variant), isNative: native[index],
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
        let key = Key(delivery.event, sink: sink, variant: delivery.variant)
        self.recent.withLock { recent in
            recent.forget(key.content)
            if let last = (0..<Self.contents).last(where: { recent.contains(key.place($0)) }) { recent.forget(key.place(last)) }
        }
    }

    private static func note(_ key: Key, isNative: Bool, in recent: inout RecentSet) -> Verdict {
        let isNew = recent.insert(key.content)
        guard isNative else { return .passes }
        guard isNew else { return .isRepeated }
        return (0..<Self.contents).contains { recent.insert(key.place($0)) } ? .passes : .isLooped
    }

    /// What is remembered of a delivery.
    private struct Key {
        private let hasher: Hasher
        private let source: String
        let content: UInt64

        init(_ event: Event, sink: SinkIndex, variant: Int) {
            var hasher = Hasher()
            hasher.combine(event.id)
            hasher.combine(event.timestamp)
            hasher.combine(sink)
            hasher.combine(variant)
            self.hasher = hasher
            self.source = event.source
            event.json.withUnsafeReadableBytes { hasher.combine(bytes: $0) }
            self.content = Self.finalized(hasher)
        }

        /// Of the contents of one id and timestamp from one source, the place of the one that came after so many others.
        func place(_ number: Int) -> UInt64 {
            var hasher = self.hasher
            hasher.combine(self.source)
            hasher.combine(number)
            return Self.finalized(hasher)
        }

        private static func finalized(_ hasher: Hasher) -> UInt64 { UInt64(bitPattern: Int64(hasher.finalize())) }
    }
}
