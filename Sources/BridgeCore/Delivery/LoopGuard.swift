import Synchronization

/// Remembers which event went to which sink, so that one that comes back does not go there again.
///
/// An event is the same when its id and its timestamp are: the model's JSON keeps both across bridges. Remembers the last 32 768
/// deliveries. Thread-safe, behind one lock for all sources, because an event may come back through another source.
final class LoopGuard: Sendable {
    private let recent = Mutex(RecentSet(capacity: 32_768))

    /// Notes the deliveries of a batch, and takes out of it what the same sink was given before.
    ///
    /// - Parameter records: in `native`, whether the record's event brought an id and a timestamp of its own: only such can be told
    ///   to be repeated.
    /// - Returns: how many events lost every delivery.
    func filter(_ records: inout [LogRecord], native: [Bool]) -> Int {
        self.recent.withLock { recent in
            var repeated = 0
            var kept: [LogRecord]?
            for (index, record) in records.enumerated() {
                let entries = record.routing.plan.entries
                var passing: [RoutePlan.Entry]?
                for (place, entry) in entries.enumerated() {
                    let isNew = recent.insert(Self.key(record.event, entry))
                    if native[index], !isNew {
                        if passing == nil { passing = Array(entries[..<place]) }
                    } else {
                        passing?.append(entry)
                    }
                }
                guard let passing else {
                    kept?.append(record)
                    continue
                }
                if kept == nil { kept = Array(records[..<index]) }
                guard !passing.isEmpty else {
                    repeated += 1
                    continue
                }
                let routing = Routing(plan: RoutePlan(entries: passing), shaped: record.routing.shaped, keys: record.routing.keys)
                kept?.append(
                    LogRecord(event: record.event, routing: routing, accepted: record.accepted, repeatKey: record.repeatKey))
            }
            if let kept { records = kept }
            return repeated
        }
    }

    private static func key(_ event: Event, _ entry: RoutePlan.Entry) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(event.id)
        hasher.combine(event.timestamp)
        hasher.combine(entry.sink)
        hasher.combine(entry.variant)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
