import DequeModule

/// The log in memory: the latest records in order, as many as sinks have yet to read and as fit.
///
/// A value without a lock; ``DeliveryMachine`` owns it. Each sink with something to read has a position, which keeps
/// everything from there on. Finding a position, or the records that no sink needs, takes constant time.
struct MemoryLog {
    private var records: Deque<LogRecord> = []
    /// The number of sinks at each position from ``oldest`` to the one after ``head``.
    private var readers: Deque<Int32> = [0]
    /// The number of sinks before ``oldest``, which read from the disk.
    private(set) var readersBefore = 0
    /// The position of the first record held, or of the next one.
    private(set) var oldest: Position
    /// The weight of the records held, in bytes.
    private(set) var weight = 0

    /// - Parameter head: the position of the last record of an earlier run.
    init(after head: Position = .start) {
        self.oldest = head.next
    }

    var count: Int { self.records.count }

    /// The position of the last record appended.
    var head: Position { Position(self.oldest.rawValue + UInt64(self.records.count) - 1) }

    /// Appends one record at the next position.
    mutating func append(_ record: LogRecord) {
        self.weight += record.event.weight
        self.records.append(record)
        self.readers.append(0)
    }

    /// The record at a position between ``oldest`` and ``head``.
    subscript(_ position: Position) -> LogRecord {
        self.records[self.records.startIndex + Int(position.rawValue - self.oldest.rawValue)]
    }

    /// The number of sinks at a position between ``oldest`` and the one after ``head``.
    func readers(at position: Position) -> Int {
        Int(self.readers[self.readers.startIndex + Int(position.rawValue - self.oldest.rawValue)])
    }

    /// Moves a sink from one position to another, at most one after ``head``; `nil` for none.
    mutating func moveReader(from old: Position?, to new: Position?) {
        if let old { self.addReaders(-1, at: old) }
        if let new { self.addReaders(1, at: new) }
    }

    private mutating func addReaders(_ count: Int32, at position: Position) {
        guard position >= self.oldest else {
            self.readersBefore += Int(count)
            return
        }
        self.readers[self.readers.startIndex + Int(position.rawValue - self.oldest.rawValue)] += count
    }

    /// Removes what no sink needs.
    ///
    /// While a sink reads from the disk, everything stays, so that the sink finds its next events in memory sooner.
    mutating func releaseUnneeded() {
        guard self.readersBefore == 0, self.readers.first == 0 else { return }
        self.release(self.readers.prefix(self.records.count).firstIndex { $0 > 0 } ?? self.records.count)
    }

    /// Removes everything before `position`, which is at most one after ``head``.
    mutating func release(before position: Position) {
        guard position > self.oldest else { return }
        self.release(Int(position.rawValue - self.oldest.rawValue))
    }

    private mutating func release(_ count: Int) {
        guard count > 0 else { return }
        for readers in self.readers.prefix(count) { self.readersBefore += Int(readers) }
        self.oldest = Position(self.oldest.rawValue + UInt64(count))
        if count >= self.records.count {
            let isSmall = self.records.count <= 4096
            self.records.removeAll(keepingCapacity: isSmall)
            let last = self.readers.last ?? 0
            self.readers.removeAll(keepingCapacity: isSmall)
            self.readers.append(last)
            self.weight = 0
        } else {
            for record in self.records.prefix(count) { self.weight -= record.event.weight }
            self.records.removeFirst(count)
            self.readers.removeFirst(count)
        }
    }
}
