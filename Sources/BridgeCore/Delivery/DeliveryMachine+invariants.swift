/// Checks the invariants listed at ``DeliveryMachine``.
extension DeliveryMachine {
    /// Up to this many sources, sinks, records and deliveries, each is checked after every command.
    private static let few = 64

    /// The violated invariant, for debug builds and tests; `nil` when all hold.
    var violation: String? {
        guard self.sinks.count + self.watermarks.count <= Self.few else { return nil }
        let pending = self.sinks.elements.reduce(0) { $0 + $1.cursor.pending }
        let isThorough = self.log.count + pending <= Self.few
        for sink in self.sinks.indices {
            if let violation = self.violation(of: sink) { return "sink \(sink): \(violation)" }
            if isThorough, let violation = self.thoroughViolation(of: sink) { return "sink \(sink): \(violation)" }
        }
        for source in self.watermarks.indices {
            if let violation = self.violation(of: source) { return "source \(source): \(violation)" }
        }
        if self.weight != self.sinks.elements.reduce(0, { $0 + $1.cursor.weight }) { return "weight is not the sum" }
        if self.unread != self.sinks.elements.reduce(0, { $0 + $1.cursor.inLog }) { return "unread is not the sum" }
        if let disk = self.disk, disk.committed > self.log.head { return "more is committed than appended" }
        let places = self.sinks.elements.compactMap(\.place)
        if self.log.readersBefore != places.count(where: { $0 < self.log.oldest }) { return "readers before the log" }
        if self.disk == nil, self.log.readersBefore > 0 { return "a sink's cursor is before the in-memory log" }
        if isThorough, let violation = self.debts.violation { return violation }
        return nil
    }

    private func violation(of sink: SinkIndex) -> String? {
        let (state, cursor) = (self.sinks[sink], self.sinks[sink].cursor)
        if !state.touch.isEmpty { return "it is touched after the command" }
        if state.place != (cursor.inLog > 0 ? min(cursor.next, self.log.head.next) : nil) {
            return "its place is not that of its cursor"
        }
        if cursor.isOverBounds, !cursor.isFull { return "it is over its bounds and not full" }
        if cursor.weight < 0 || cursor.inLog < 0 || cursor.pending < 0 { return "a count is negative" }
        if self.debts.floor(of: sink) != cursor.floor { return "the debt table has another floor" }
        if state.name.isEmpty, cursor.pending > 0 { return "an index without a sink has pending deliveries" }
        if !state.name.isEmpty, self.sinkIndices[state.name] != sink { return "its name leads to another index" }
        return nil
    }

    /// Checks each delivery.
    private func thoroughViolation(of sink: SinkIndex) -> String? {
        let cursor = self.sinks[sink].cursor
        let inFlight = cursor.taken.filter { !$0.isSettled }.map(\.delivery)
        let owed = inFlight + cursor.again + cursor.loaded + cursor.keys.held
        if let floor = cursor.floor {
            if let lower = owed.first(where: { $0.position < floor }) { return "\(lower.position) is pending below its floor" }
        } else if let first = owed.first {
            return "\(first.position) is pending and it has no floor"
        }
        if inFlight.contains(where: { $0.position > self.visible }) { return "it has in flight what is not committed" }
        if zip(cursor.taken, cursor.taken.dropFirst()).contains(where: { $0.delivery.ticket + 1 != $1.delivery.ticket }) {
            return "its tickets are not consecutive"
        }
        guard self.disk == nil else { return nil }
        var (count, weight) = (0, 0)
        if cursor.inLog > 0, cursor.next <= self.log.head {
            for position in cursor.next.rawValue...self.log.head.rawValue {
                let record = self.log[Position(position)]
                for entry in record.routing.plan.entries where entry.sink == sink {
                    count += 1
                    weight += record.event(of: entry).weight
                }
            }
        }
        if count != cursor.inLog { return "\(cursor.inLog) in the log are \(count)" }
        let elsewhere = inFlight + cursor.again + cursor.loaded
        weight += elsewhere.reduce(cursor.keys.heldWeight) { $0 + $1.event.weight }
        if weight != cursor.weight { return "its weight \(cursor.weight) is \(weight)" }
        return cursor.pending == count + elsewhere.count + cursor.keys.heldCount ? nil : "a delivery is in two places or in none"
    }

    private func violation(of source: SourceIndex) -> String? {
        let watermark = self.watermarks[source]
        if watermark.safe > watermark.appended { return "more is safe than appended" }
        if watermark.acknowledge != .received, watermark.safe > self.visible { return "what is safe is not committed" }
        let isPaused = self.areSourcesPaused || self.debts.isBlocked(source) || self.debts.isBlocked(self.earlierRun)
        return watermark.isPaused == isPaused ? nil : "its pause does not match the state of the log and its sinks"
    }
}

extension BacklogTable {
    /// The violated invariant of the pairs; `nil` when all hold.
    fileprivate var violation: String? {
        for source in self.sources {
            let sinksBehind = self.sinksBehind(of: source)
            if sinksBehind.contains(where: { !self.hasPending($0, source) }) {
                return "a sink behind source \(source) has nothing pending"
            }
            if self.floor(of: source) != sinksBehind.compactMap({ self.floor(of: $0) }).min() {
                return "the floor of source \(source) is not the least"
            }
            if sinksBehind.contains(where: { self.isBlocking($0) }) != self.isBlocked(source) {
                return "the blocking sinks of source \(source) are miscounted"
            }
        }
        return nil
    }
}
