import Synchronization

extension DeliveryLog {
    /// What the writer is to do next.
    struct Work {
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

    /// Takes what has happened since the last call.
    ///
    /// - Parameter marks: also how far the sinks have come; these may wait, at the price of more repetitions after a crash.
    func takeWork(marks: Bool = true) -> Work {
        self.state.withLock { $0.takeWork(marks: marks) }
    }

    /// Takes the sinks that have something read back for them, with the last places that they have looked at.
    func takePages() -> [(sink: SinkIndex, after: Position)] {
        self.state.withLock { state in
            guard let pages = state.disk?.pages, !pages.isEmpty else { return [] }
            state.disk?.pages.removeAll()
            return pages.map { ($0, state.cursors[$0].next.previous) }
        }
    }

    /// How many places the disk has not taken; 0 for a log in memory only.
    var unwritten: Int {
        self.state.withLock { state in
            state.disk.map { Int(state.log.head.rawValue - $0.committed.rawValue) } ?? 0
        }
    }

    /// What was taken is safe now: sinks see it, and sources hear of it.
    ///
    /// - Parameter caller: the source whose thread this is; it knows without being told.
    func committed(_ work: Work, caller: SourceIndex? = nil) {
        var actions = Actions()
        actions.caller = caller
        self.state.withLock { $0.committed(work, routes: self.routes, &actions) }
        self.perform(actions)
    }

    /// The disk refuses, or takes again.
    func setRefusing(_ isRefusing: Bool) {
        var actions = Actions()
        self.state.withLock { state in
            state.disk?.isRefusing = isRefusing
            state.settle(&actions)
        }
        self.perform(actions)
    }

    /// Gives a sink what was read back for it.
    ///
    /// - Parameter unreadable: what it would have been given too; it is owed that no more.
    func loaded(_ deliveries: [Delivery], unreadable: [UnreadableEvent] = [], through position: Position, sink: SinkIndex) {
        var actions = Actions()
        self.state.withLock { state in
            let ahead = state.cursors[sink].ahead
            let lost = unreadable.filter { !ahead.contains($0.position) }
            state.cursors[sink].load(deliveries.filter { !ahead.contains($0.position) }, through: position)
            if !lost.isEmpty {
                state.cursors[sink].passOver(lost)
                state.disk?.touch(sink)
            }
            state.makeRoom(sink, routes: self.routes, actions: &actions)
            state.afterSettling(sink, actions: &actions)
            state.wake(sink, actions: &actions)
        }
        self.perform(actions)
    }

    /// A sink's piece could not be read; it is asked for again, and by nobody else until it has come.
    func notLoaded(sink: SinkIndex) {
        self.state.withLock { $0.disk?.pages.append(sink) }
    }

    /// Gives a dead letter to the sink that gave it up, once more.
    ///
    /// - Returns: whether the file still has the sink; if not, the letter is only kept.
    func replay(_ letter: StoredLetter, _ targets: RouteTargets) -> Bool {
        var actions = Actions()
        let isKnown = self.state.withLock { state in
            guard let sink = state.sink(named: letter.sink) else {
                state.disk?.letters.append(.hold(letter.id))
                return false
            }
            var delivery = Delivery(
                event: letter.event, variant: targets.variant(sink: letter.sink, route: letter.route), route: letter.route,
                attempts: 0, position: state.log.head, ticket: 0
            )
            delivery.letter = letter.id
            state.cursors[sink].accept(replay: delivery)
            state.wake(sink, actions: &actions)
            return true
        }
        self.perform(actions)
        return isKnown
    }

    /// Appends the event of a dead letter anew, which ends the letter; one that would go nowhere stays a letter.
    ///
    /// - Returns: whether it goes anywhere.
    func replay(_ letter: StoredLetter, _ record: LogRecord) -> Bool {
        let source = self.state.withLock { state -> SourceIndex? in
            let goesNowhere = record.routing.plan.entries.isEmpty && state.unrouted == nil
            // The source may be gone from the file; any other can stand for it, since nobody waits for an answer.
            guard !goesNowhere, let source = state.sources[letter.event.source] ?? state.sources.values.min() else {
                state.disk?.letters.append(.hold(letter.id))
                return nil
            }
            return source
        }
        guard let source else { return false }
        _ = self.append([record], source: source)
        // Not before the event: a crash in between would leave neither.
        self.state.withLock { $0.disk?.letters.append(.forget(letter.id)) }
        return true
    }

    /// Keeps what a source gives up as a dead letter, at a place of its own: the source hears that it is safe once it is written.
    ///
    /// - Returns: `nil` when there is no log on disk that keeps it.
    func keep(
        _ event: Event, repeatKey: UInt64?, reason: String, attempts: Int, source: SourceIndex
    ) -> SourceOutlet.Receipt? {
        var actions = Actions()
        let receipt = self.state.withLock { state -> SourceOutlet.Receipt? in
            guard let id = state.disk?.nextLetter() else { return nil }
            state.log.append(LogRecord(event: event, routing: Routing(plan: .nowhere, shaped: []), accepted: .now))
            let position = state.log.head
            state.watermarks[source].append(at: position)
            state.disk?.letters.append(
                .keep(
                    StoredLetter(
                        id: id, time: .now(), sink: "", route: "", reason: reason, attempts: attempts, target: nil,
                        event: event, position: position, repeatKey: repeatKey
                    )
                )
            )
            actions.wakesWriter = true
            return SourceOutlet.Receipt(demand: state.watermarks[source].isPaused ? .pause : .more, position: position)
        }
        self.perform(actions)
        return receipt
    }
}
