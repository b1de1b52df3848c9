import Synchronization

/// What the writer of a log on disk uses.
extension DeliveryLog {
    /// Writes the log to the disk.
    struct Writer {
        /// Schedules a write on the writer's thread; does not block.
        var wake: @Sendable () -> Void
        /// Writes on this thread, for a source; false when the writer's thread is busy and must be woken.
        var tryWrite: @Sendable (_ source: SourceIndex) -> Bool
    }

    /// What to write next.
    struct Work: Sendable {
        var records: [(position: Position, record: LogRecord)] = []
        /// Without events and cursors.
        var changes = LogChanges()
        /// The last position that is durable once this is written.
        var head = Position.start
        /// Nothing before this position is pending.
        var settled = Position.start

        /// Whether positions become safe that were not reported yet, including those of events that no route matches.
        var advances = false
        /// The weight of the events that tools of routes have taken.
        var takenWeight = 0

        var isEmpty: Bool { self.records.isEmpty && self.changes.isEmpty && !self.advances }
    }

    /// Sets the writer; `nil` removes it.
    func attach(_ writer: Writer?) {
        self.writer.withLock { $0 = writer }
    }

    /// Writes what a source appended on the source's own thread, unless another write is running.
    func write(for source: SourceIndex) {
        guard let writer = self.writer.withLock({ $0 }) else { return }
        if !writer.tryWrite(source) { writer.wake() }
    }

    func wakeWriter() {
        self.writer.withLock { $0 }?.wake()
    }

    /// Returns what has happened since the last call.
    ///
    /// - Parameter marks: whether to include the sinks' cursors; these may wait, at the price of more duplicates after
    ///   a crash.
    func takeWork(marks: Bool = true) -> Work {
        guard case .work(let work) = self.apply(.takeWork(marks: marks)).outcome else { return Work() }
        return work
    }

    /// The number of positions not yet written; 0 for an in-memory log.
    var unwritten: Int {
        self.state.withLock { state in
            state.machine.disk.map { Int(state.machine.log.head.rawValue - $0.committed.rawValue) } ?? 0
        }
    }

    /// Publishes what is durable now to the sinks and the sources.
    ///
    /// - Parameter caller: the source whose thread this is; it is not notified.
    func committed(_ work: Work, caller: SourceIndex? = nil) {
        self.apply(.committed(work, caller: caller))
    }

    /// Pauses the sources because log writes fail, or resumes them.
    func setWritesFail(_ writesFail: Bool) {
        self.apply(.setWritesFail(writesFail))
    }

    /// Returns the sinks that need a page from the disk, with the last positions that they have passed.
    func takePages() -> [(sink: SinkIndex, name: String, after: Position)] {
        guard case .pages(let pages) = self.apply(.takePages).outcome else { return [] }
        return pages
    }

    /// Adds a page from the disk to a sink.
    ///
    /// - Parameters:
    ///   - unreadable: events that cannot be read; they are no longer pending.
    ///   - name: that of the sink when the page was requested; the page is ignored if another sink has the index now.
    func loaded(
        _ deliveries: [Delivery], unreadable: [UnreadableEvent] = [], through position: Position, sink: SinkIndex,
        name: String? = nil
    ) {
        self.apply(.load(sink, name: name, deliveries, unreadable: unreadable, through: position))
    }

    /// Requests a sink's page again after a read error.
    func notLoaded(sink: SinkIndex) {
        self.apply(.loadAgain(sink))
    }

    /// The number of unsettled replays.
    var replays: Int {
        self.state.withLock { $0.machine.sinks.elements.reduce(0) { $0 + $1.cursor.replays } }
    }

    /// Replays a dead letter to the sink that abandoned it.
    ///
    /// - Returns: whether the sink still exists; if not, the dead letter stays.
    func replay(_ letter: StoredDeadLetter, _ targets: RouteTargets) -> Bool {
        let variant = targets.variant(sink: letter.sink, route: letter.route)
        if case .isTaken(true) = self.apply(.replay(letter, variant: variant)).outcome { return true } else { return false }
    }

    /// Appends the event of a dead letter again and removes the dead letter; one whose event matches no route stays.
    ///
    /// - Returns: whether the event matches a route.
    func replay(_ letter: StoredDeadLetter, _ record: LogRecord) -> Bool {
        if case .isTaken(true) = self.apply(.replayAsNew(letter, record)).outcome { return true } else { return false }
    }
}
