import DequeModule

/// The log in memory: the latest records in order, as many as somebody still has to look at and as there is room for.
///
/// A value without a lock; ``DeliveryMachine`` owns it. Finding a position costs the same however long the log is, and so does finding out
/// which records no sink needs: each sink that has something to look at stands at a position, which keeps everything from there on.
struct MemoryLog {
    private var records: Deque<LogRecord> = []
    /// How many sinks stand at each position from ``oldest`` to the one behind ``head``.
    private var readers: Deque<Int32> = [0]
    /// How many sinks stand before ``oldest``: they read back from the disk.
    private(set) var readersBefore = 0
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
        self.readers.append(0)
    }

    /// The record at a place between ``oldest`` and ``head``.
    subscript(_ position: Position) -> LogRecord {
        self.records[self.records.startIndex + Int(position.rawValue - self.oldest.rawValue)]
    }

    /// How many sinks stand at a place between ``oldest`` and the one behind ``head``.
    func readers(at position: Position) -> Int {
        Int(self.readers[self.readers.startIndex + Int(position.rawValue - self.oldest.rawValue)])
    }

    /// A sink stands at a place now, at most one behind ``head``, and at another no more; `nil` for nowhere.
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

    /// Forgets what no sink needs.
    ///
    /// While a sink reads back from the disk, everything stays: the sink finds its way into memory the sooner the more is there.
    mutating func releaseUnneeded() {
        guard self.readersBefore == 0, self.readers.first == 0 else { return }
        self.release(self.readers.prefix(self.records.count).firstIndex { $0 > 0 } ?? self.records.count)
    }

    /// Forgets everything before `position`, which is at most one behind ``head``.
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
