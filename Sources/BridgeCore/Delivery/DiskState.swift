/// What the log owes the disk: everything that has happened since the writer last asked.
///
/// A value without I/O; ``DeliveryMachine`` owns it.
struct DiskState {
    /// Above it the sources pause: so much waits to be written.
    static let backlog = 32 << 20
    /// How much of the log stays in memory for sinks that follow closely; what is older they read back from the disk.
    static let window = (events: 65_536, bytes: 32 << 20)

    /// Up to here everything is safe.
    var committed: Position
    /// Appended since, in order.
    var records: [(position: Position, record: LogRecord)] = []
    /// What they weigh, those that are being written now included.
    var weight = 0
    /// Dead letters, numbers and keys.
    var changes = LogChanges()
    /// What the kept ones among the dead letters weigh in bytes, those that are being written now included.
    var deadLetterWeight = 0
    /// The sinks that have settled something.
    var touched: ComponentSet<SinkIndex>
    /// The sinks that have something read back for them.
    var pages: [SinkIndex] = []
    /// The disk takes nothing: it is full, or broken.
    var isFull = false
    private var lastDeadLetter: Int64

    /// - Parameter sinks: how many there are.
    init(_ contents: LogContents, sinks: Int) {
        self.committed = contents.head
        self.lastDeadLetter = contents.lastDeadLetter
        self.touched = ComponentSet(count: sinks)
    }

    /// Too much waits to be written, or the disk takes nothing.
    var pausesSources: Bool { self.isFull || self.weight > Self.backlog || self.isFullOfDeadLetters }

    /// Whether too many dead letters are waiting to be written.
    var isFullOfDeadLetters: Bool { self.deadLetterWeight > Self.backlog }

    mutating func append(_ record: LogRecord, at position: Position) {
        self.records.append((position, record))
        self.weight += record.event.weight
    }

    mutating func touch(_ sink: SinkIndex) {
        self.touched.insert(sink)
    }

    /// A delivery about a dead letter is settled.
    mutating func forget(_ delivery: Delivery) {
        guard let letter = delivery.letter else { return }
        self.changes.letters.append(.forget(letter))
    }

    /// A sink has no room for a dead letter: it stays in the file, owed to nobody.
    mutating func hold(_ delivery: Delivery) {
        guard let letter = delivery.letter else { return }
        self.changes.letters.append(.hold(letter))
    }

    /// Keeps a dead letter.
    ///
    /// - Parameter target: the sink that is to have it.
    /// - Returns: its id; `nil` when there is nothing to keep because the letter itself was refused, and is kept already.
    mutating func keep(_ letter: DeadLetter, of delivery: Delivery, target: String?) -> Int64? {
        if delivery.event.kind == .deadLetter {
            // It was kept when it came to be, and now nobody is owed it any more.
            self.hold(delivery)
            return delivery.letter
        }
        let id = delivery.letter ?? self.nextDeadLetter()
        self.keep(
            StoredDeadLetter(
                id: id, time: .now(), sink: letter.sink, route: letter.route, reason: letter.reason,
                attempts: letter.attempts, target: target, event: delivery.event, position: delivery.position,
                variant: delivery.variant
            )
        )
        return id
    }

    /// Keeps a dead letter.
    mutating func keep(_ letter: StoredDeadLetter) {
        self.deadLetterWeight += letter.event.weight
        self.changes.letters.append(.keep(letter))
    }

    mutating func nextDeadLetter() -> Int64 {
        self.lastDeadLetter += 1
        return self.lastDeadLetter
    }
}
