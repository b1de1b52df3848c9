import Synchronization

extension DeliveryLog {
    /// What the writer is to do next.
    struct Work {
        var records: [(position: Position, record: LogRecord)] = []
        /// Without events and cursors.
        var changes = LogChanges()
        /// The last place that is safe once it is written.
        var head = Position.start
        /// Sinks that have something read back for them, with the last places that they have looked at.
        var pages: [(sink: Int, after: Position)] = []
        /// Everything before it is owed to nobody.
        var settled = Position.start

        var isEmpty: Bool { self.records.isEmpty && self.changes.isEmpty && self.pages.isEmpty }
    }

    /// Takes what has happened since the last call.
    ///
    /// - Parameter marks: also how far the sinks have come; these may wait, at the price of more repetitions after a crash.
    func takeWork(marks: Bool = true) -> Work {
        self.state.withLock { $0.takeWork(marks: marks) }
    }

    /// What was taken is safe now: sinks see it, and sources hear of it.
    func committed(_ work: Work) {
        var actions = Actions()
        self.state.withLock { $0.committed(work, &actions) }
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
    func loaded(_ deliveries: [Delivery], through position: Position, sink: Int) {
        var actions = Actions()
        self.state.withLock { state in
            let ahead = state.cursors[sink].ahead
            state.cursors[sink].load(deliveries.filter { !ahead.contains($0.position) }, through: position)
            state.wake(sink, actions: &actions)
        }
        self.perform(actions)
    }

    /// A sink's piece could not be read; it is asked for again.
    func notLoaded(sink: Int) {
        self.state.withLock { state in
            state.cursors[sink].isLoading = false
            state.disk?.pages.append(sink)
        }
    }

    /// Gives a dead letter to the sink that gave it up, once more.
    ///
    /// - Returns: whether the file still has the sink; if not, the letter is only kept.
    func replay(_ letter: StoredLetter, _ targets: RouteTargets) -> Bool {
        var actions = Actions()
        let isKnown = self.state.withLock { state in
            guard let sink = state.names.firstIndex(of: letter.sink) else {
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

    /// Appends the event of a dead letter anew, which ends the letter.
    func replay(_ letter: StoredLetter, _ record: LogRecord) {
        guard let source = self.state.withLock({ $0.sources[letter.event.source] ?? $0.sources.values.first }) else { return }
        self.state.withLock { $0.disk?.letters.append(.forget(letter.id)) }
        _ = self.append([record], source: source)
    }

    /// Notes under which numbers a sink has published.
    func number(sink: Int, _ deliveries: ArraySlice<Delivery>, from sequence: UInt64) {
        self.state.withLock { state in
            guard state.disk != nil, let first = deliveries.first, let last = deliveries.last else { return }
            let name = state.names[sink]
            guard state.cursors[sink].keys.isUsed || state.cursors[sink].hasDropped else {
                state.disk?.numbers.append(
                    NumberedRun(
                        sink: name, first: first.position, last: last.position, count: deliveries.count, sequence: sequence
                    )
                )
                return
            }
            // What lies between two of them was perhaps not delivered, so each stands for itself.
            for (offset, delivery) in deliveries.enumerated() {
                state.disk?.numbers.append(
                    NumberedRun(
                        sink: name, first: delivery.position, last: delivery.position, count: 1,
                        sequence: sequence + UInt64(offset)
                    )
                )
            }
        }
    }

    /// Keeps what a source gives up as a dead letter, at a place of its own: the source hears that it is safe once it is written.
    ///
    /// - Returns: `nil` when there is no log on disk that keeps it.
    func keep(_ event: Event, reason: String, attempts: Int, source: Int) -> SourceOutlet.Receipt? {
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
                        event: event, position: position
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

extension DeliveryLog.State {
    /// Begins where an earlier run has left it.
    mutating func resume(_ contents: LogContents) {
        for (index, name) in self.names.enumerated() {
            guard let owed = contents.sinks[name] else { continue }
            self.cursors[index].resume(owed)
        }
        for key in contents.keys {
            guard let sink = self.names.firstIndex(of: key.sink) else { continue }
            self.cursors[sink].keys.insert(key.key, key.expires)
        }
        for letter in contents.letters {
            guard let target = letter.target, let sink = self.names.firstIndex(of: target) else { continue }
            let event = DeadLetter(reason: letter.reason, sink: letter.sink, route: letter.route, attempts: letter.attempts)
                .event(of: letter.event)
            self.cursors[sink].accept(letter: event, id: letter.id, at: letter.position, accepted: .now)
        }
        let owed = self.cursors.map { $0.pending > 0 }
        for source in self.watermarks.indices { self.watermarks[source].resume(at: contents.head, owed: owed) }
        var actions = DeliveryLog.Actions()
        self.settle(&actions)
        for sink in self.cursors.indices { self.askForPage(sink, actions: &actions) }
    }

    /// An event that no route takes goes to the sink for such events.
    mutating func giveUnrouted(_ record: LogRecord, at position: Position, to sink: Int) {
        let letter = DeadLetter(reason: "no route takes it", sink: "", route: "", attempts: 0)
        var id: Int64?
        if self.disk != nil {
            let delivery = Delivery(
                event: record.event, variant: 0, route: "", attempts: 0, position: position, ticket: 0, accepted: record.accepted
            )
            id = self.disk?.keep(letter, of: delivery, target: self.names[sink])
        }
        self.give(letter.event(of: record.event), id: id, at: position, accepted: record.accepted, to: sink)
    }

    /// Has the writer begin, and keeps what it has written within bounds.
    mutating func afterAppending(_ actions: inout DeliveryLog.Actions) {
        guard let disk = self.disk else { return }
        if !disk.records.isEmpty || !disk.letters.isEmpty { actions.wakesWriter = true }
    }

    /// Asks for the next piece of what a sink has to read back.
    mutating func askForPage(_ sink: Int, actions: inout DeliveryLog.Actions) {
        guard self.disk != nil, self.cursors[sink].wantsPage(self.log) else { return }
        self.cursors[sink].isLoading = true
        self.disk?.pages.append(sink)
        actions.wakesWriter = true
    }

    mutating func takeWork(marks: Bool) -> DeliveryLog.Work {
        var work = DeliveryLog.Work()
        guard var disk = self.disk else { return work }
        self.disk = nil
        swap(&work.records, &disk.records)
        work.head = self.log.head
        // Dead letters, numbers and keys belong to the marks: all of them or none.
        if marks || !disk.letters.isEmpty {
            swap(&work.changes.letters, &disk.letters)
            swap(&work.changes.numbers, &disk.numbers)
            swap(&work.changes.keys, &disk.keys)
            for sink in disk.touched.elements {
                let mark = self.cursors[sink].mark(head: self.log.head)
                work.changes.sinks.append(SinkMark(sink: self.names[sink], position: mark.position, ahead: mark.ahead))
            }
            disk.touched.removeAll()
        }
        work.pages = disk.pages.map { ($0, self.cursors[$0].next.previous) }
        disk.pages.removeAll()
        work.settled = self.cursors.compactMap(\.floor).min() ?? self.log.head.next
        self.disk = disk
        return work
    }

    mutating func committed(_ work: DeliveryLog.Work, _ actions: inout DeliveryLog.Actions) {
        self.disk?.committed = work.head
        for (_, record) in work.records { self.disk?.weight -= record.event.weight }
        self.disk?.isRefusing = false
        self.settle(&actions)
        for sink in self.cursors.indices where self.cursors[sink].inLog > 0 { self.wake(sink, actions: &actions) }
        self.releaseLog()
        guard self.log.count > DiskState.window.events || self.log.weight > DiskState.window.bytes else { return }
        // Half at once, so that it does not happen for every batch.
        self.log.release(before: min(work.head.next, Position(self.log.oldest.rawValue + UInt64(self.log.count / 2))))
    }
}
