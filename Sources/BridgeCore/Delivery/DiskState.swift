/// What must be written to the disk: everything since the writer last asked.
///
/// A value without I/O; ``DeliveryMachine`` owns it.
struct DiskState {
    /// Above this many unwritten bytes the sources pause.
    static let backlog = 32 << 20
    /// How much of the log stays in memory for sinks that keep up; others read older events from the disk.
    static let window = (events: 65_536, bytes: 32 << 20)

    /// Everything up to here is durable.
    var committed: Position
    /// Appended since, in order.
    var records: [(position: Position, record: LogRecord)] = []
    /// Their weight, including those being written.
    var weight = 0
    /// The weight of the events that tools of routes have taken since, which is part of ``weight``.
    var takenWeight = 0
    /// Dead letters, sequence numbers and keys.
    var changes = LogChanges()
    /// The weight of the kept dead letters in bytes, including those being written.
    var deadLetterWeight = 0
    /// The sinks that have settled something.
    var touched: ComponentSet<SinkIndex>
    /// The sinks that need a page from the disk.
    var pages: [SinkIndex] = []
    /// Whether log writes fail: the disk is full or broken.
    var writesFail = false
    private var lastDeadLetter: Int64

    /// - Parameter sinks: how many there are.
    init(_ contents: LogContents, sinks: Int) {
        self.committed = contents.head
        self.lastDeadLetter = contents.lastDeadLetter
        self.touched = ComponentSet(count: sinks)
    }

    /// Whether too much waits to be written, or writes fail.
    var pausesSources: Bool { self.writesFail || self.weight > Self.backlog || self.isFullOfDeadLetters }

    /// Whether too many dead letters are waiting to be written.
    var isFullOfDeadLetters: Bool { self.deadLetterWeight > Self.backlog }

    mutating func append(_ record: LogRecord, at position: Position) {
        self.records.append((position, record))
        self.weight += record.event.weight
    }

    /// Counts an event that tools of routes have taken, and write themselves.
    mutating func take(_ event: Event) {
        self.weight += event.weight
        self.takenWeight += event.weight
    }

    mutating func touch(_ sink: SinkIndex) {
        self.touched.insert(sink)
    }

    /// Removes the dead letter of a settled delivery.
    mutating func forget(_ delivery: Delivery) {
        guard let letter = delivery.letter else { return }
        self.changes.letters.append(.forget(letter))
    }

    /// Leaves a dead letter in the log, pending for no sink, because its sink has no room.
    mutating func hold(_ delivery: Delivery) {
        guard let letter = delivery.letter else { return }
        self.changes.letters.append(.hold(letter))
    }

    /// Keeps a dead letter.
    ///
    /// - Parameter target: the sink that receives it.
    /// - Returns: its id; `nil` when the dead letter itself was refused, and is kept already.
    mutating func keep(_ letter: DeadLetter, of delivery: Delivery, target: String?) -> Int64? {
        if delivery.event.kind == .deadLetter {
            // It was kept when it was made, and is now pending for no sink.
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
