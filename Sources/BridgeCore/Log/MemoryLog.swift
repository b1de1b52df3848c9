import DequeModule

/// The log in memory: the latest records in order, as many as somebody still has to look at and as there is room for.
///
/// A value without a lock; ``DeliveryLog`` owns it. Finding a position costs the same however long the log is.
struct MemoryLog {
    private var records: Deque<LogRecord> = []
    /// The place of the first record held, or the one that the next record will have.
    private(set) var oldest: Position
    /// What the records held weigh, in bytes.
    private(set) var weight = 0

    /// - Parameter head: the place of the last record of an earlier run.
    init(after head: Position = .start) {
        self.oldest = head.next
    }

    var count: Int { self.records.count }

    /// The place of the last record ever appended.
    var head: Position { Position(self.oldest.rawValue + UInt64(self.records.count) - 1) }

    /// Appends one record, which gets the next place.
    mutating func append(_ record: LogRecord) {
        self.weight += record.event.weight
        self.records.append(record)
    }

    /// The record at a place between ``oldest`` and ``head``.
    subscript(_ position: Position) -> LogRecord {
        self.records[self.records.startIndex + Int(position.rawValue - self.oldest.rawValue)]
    }

    /// Forgets everything before `position`, which is at most one behind ``head``.
    mutating func release(before position: Position) {
        guard position > self.oldest else { return }
        let count = Int(position.rawValue - self.oldest.rawValue)
        if count >= self.records.count {
            self.oldest = self.head.next
            self.records.removeAll(keepingCapacity: self.records.count <= 4096)
            self.weight = 0
        } else {
            for record in self.records.prefix(count) { self.weight -= record.event.weight }
            self.records.removeFirst(count)
            self.oldest = position
        }
    }
}
