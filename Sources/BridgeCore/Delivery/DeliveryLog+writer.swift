import Synchronization

/// The face of the log that whoever writes it to the disk sees.
extension DeliveryLog {
    /// Who writes the log to the disk.
    struct Writer {
        /// Has it written soon, on a thread kept for that; does not block.
        var wake: @Sendable () -> Void
        /// Writes on this thread, for a source; false when it is left to the other thread, which must be woken.
        var tryWrite: @Sendable (_ source: SourceIndex) -> Bool
    }

    /// What the writer is to do next.
    struct Work: Sendable {
        var records: [(position: Position, record: LogRecord)] = []
        /// Without events and cursors.
        var changes = LogChanges()
        /// The last place that is safe once it is written.
        var head = Position.start
        /// Everything before it is owed to nobody.
        var settled = Position.start

        /// There are places that nobody has been told of as safe, those of events that go nowhere included.
        var advances = false

        var isEmpty: Bool { self.records.isEmpty && self.changes.isEmpty && !self.advances }
    }

    /// Sets who writes; `nil` for nobody.
    func attach(_ writer: Writer?) {
        self.writer.withLock { $0 = writer }
    }

    /// Has what a source appended written on its own thread, where nobody else writes at this moment.
    func write(for source: SourceIndex) {
        guard let writer = self.writer.withLock({ $0 }) else { return }
        if !writer.tryWrite(source) { writer.wake() }
    }

    func wakeWriter() {
        self.writer.withLock { $0 }?.wake()
    }

    /// Takes what has happened since the last call.
    ///
    /// - Parameter marks: also how far the sinks have come; these may wait, at the price of more repetitions after a crash.
    func takeWork(marks: Bool = true) -> Work {
        guard case .work(let work) = self.apply(.takeWork(marks: marks)).outcome else { return Work() }
        return work
    }

    /// How many places the disk has not taken; 0 for a log in memory only.
    var unwritten: Int {
        self.machine.withLock { machine in
            machine.disk.map { Int(machine.log.head.rawValue - $0.committed.rawValue) } ?? 0
        }
    }

    /// What was taken is safe now: sinks see it, and sources hear of it.
    ///
    /// - Parameter caller: the source whose thread this is; it knows without being told.
    func committed(_ work: Work, caller: SourceIndex? = nil) {
        self.apply(.committed(work, caller: caller))
    }

    /// The disk takes nothing, so the sources pause; or it takes again.
    func setDiskFull(_ isFull: Bool) {
        self.apply(.setDiskFull(isFull))
    }

    /// Takes the sinks that have something read back for them, with the last places that they have looked at.
    func takePages() -> [(sink: SinkIndex, after: Position)] {
        guard case .pages(let pages) = self.apply(.takePages).outcome else { return [] }
        return pages
    }

    /// Gives a sink what was read back for it.
    ///
    /// - Parameter unreadable: what it would have been given too; it is owed that no more.
    func loaded(
        _ deliveries: [Delivery], unreadable: [UnreadableEvent] = [], through position: Position, sink: SinkIndex
    ) {
        self.apply(.load(sink, deliveries, unreadable: unreadable, through: position))
    }

    /// A sink's piece could not be read; it is asked for again, and by nobody else until it has come.
    func notLoaded(sink: SinkIndex) {
        self.apply(.loadAgain(sink))
    }

    /// The number of unsettled replays.
    var replays: Int {
        self.machine.withLock { $0.sinks.elements.reduce(0) { $0 + $1.cursor.replays } }
    }

    /// Gives a dead letter to the sink that gave it up, once more.
    ///
    /// - Returns: whether the file still has the sink; if not, the letter is only kept.
    func replay(_ letter: StoredDeadLetter, _ targets: RouteTargets) -> Bool {
        let variant = targets.variant(sink: letter.sink, route: letter.route)
        if case .isTaken(true) = self.apply(.replay(letter, variant: variant)).outcome { return true } else { return false }
    }

    /// Appends the event of a dead letter anew, which ends the letter; one that would go nowhere stays a letter.
    ///
    /// - Returns: whether it goes anywhere.
    func replay(_ letter: StoredDeadLetter, _ record: LogRecord) -> Bool {
        if case .isTaken(true) = self.apply(.replayAsNew(letter, record)).outcome { return true } else { return false }
    }
}
