/// What is written to the disk and read back.
extension DeliveryMachine {
    /// Continues where an earlier run ended.
    mutating func resume(_ contents: LogContents) {
        for sink in self.sinks.indices {
            guard let owed = contents.sinks[self.sinks[sink].name] else { continue }
            self.sinks[sink].cursor.resume(owed)
        }
        for key in contents.keys {
            guard let sink = self.sinkIndices[key.sink] else { continue }
            self.sinks[sink].cursor.keys.insert(key.key, key.expires)
        }
        for sink in self.sinks.indices where self.sinks[sink].cursor.pending > 0 {
            self.debts.give(contents.head, of: self.earlierRun, to: sink)
            self.touch(sink, .polled)
        }
        for source in self.watermarks.indices {
            self.watermarks[source].append(at: contents.head)
            self.debts.due.insert(source)
        }
        var effects = Effects()
        self.finishCommand(&effects)
    }

    /// Returns what has happened since the last call.
    ///
    /// - Parameter marks: whether to include the sinks' cursors; these may wait, at the price of more duplicates after
    ///   a crash.
    mutating func takeWork(marks: Bool) -> DeliveryLog.Work {
        var work = DeliveryLog.Work()
        guard var disk = self.disk else { return work }
        self.disk = nil
        swap(&work.records, &disk.records)
        swap(&work.takenWeight, &disk.takenWeight)
        work.head = self.log.head
        work.advances = work.head > disk.committed
        // Dead letters, sequence numbers and keys belong to the marks: all of them or none.
        if marks || !disk.changes.letters.isEmpty {
            swap(&work.changes, &disk.changes)
            for sink in disk.touched.elements {
                let mark = self.sinks[sink].cursor.mark(head: self.log.head)
                work.changes.sinks.append(SinkMark(sink: self.sinks[sink].name, position: mark.position, ahead: mark.ahead))
            }
            disk.touched.removeAll()
        }
        if let changes = self.flow?.takeChanges() { work.changes.flow = changes }
        work.settled = self.debts.floor ?? self.log.head.next
        self.disk = disk
        return work
    }

    /// Publishes what is durable now to the sinks and the sources.
    mutating func commit(_ work: DeliveryLog.Work) {
        self.disk?.committed = work.head
        self.disk?.writesFail = false
        self.disk?.weight -= work.takenWeight
        self.commitDeadLetters(work.changes.letters)
        for (_, record) in work.records {
            self.disk?.weight -= record.event.weight
            // Uncommitted events could be neither dropped nor handed out.
            for entry in record.routing.plan.entries { self.touch(entry.sink, [.grown, .offered]) }
        }
        for sink in self.overBounds.takeAll() {
            self.touch(sink, self.sinks[sink].cursor.inLog > 0 ? [.grown, .offered] : .changed)
        }
        self.grown.sort()
        for source in self.uncommitted.takeAll() {
            self.debts.due.insert(source)
            if self.watermarks[source].appended > work.head { self.uncommitted.insert(source) }
        }
    }

    /// Wakes sinks that waited for unwritten dead letters.
    private mutating func commitDeadLetters(_ changes: [DeadLetterChange]) {
        let wasFull = self.disk?.isFullOfDeadLetters == true
        for case .keep(let letter) in changes { self.disk?.deadLetterWeight -= letter.event.weight }
        guard wasFull else { return }
        for sink in self.sinks.indices { self.touch(sink, .offered) }
    }

    /// Returns the sinks that need a page from the disk, with the last positions that they have passed.
    mutating func takePages() -> [(sink: SinkIndex, name: String, after: Position)] {
        guard let pages = self.disk?.pages, !pages.isEmpty else { return [] }
        self.disk?.pages.removeAll()
        return pages.map { ($0, self.sinks[$0].name, self.sinks[$0].cursor.next.previous) }
    }

    /// Adds a page from the disk to a sink.
    ///
    /// - Parameter unreadable: events that cannot be read; they are no longer pending.
    mutating func load(
        _ deliveries: [Delivery], _ unreadable: [UnreadableEvent], through position: Position, into sink: SinkIndex
    ) {
        let ahead = self.sinks[sink].cursor.ahead
        let lost = unreadable.filter { !ahead.contains($0.position) }
        self.sinks[sink].cursor.load(deliveries.filter { !ahead.contains($0.position) }, through: position)
        if !lost.isEmpty {
            self.sinks[sink].cursor.skip(lost)
            self.disk?.touch(sink)
            for letter in lost.compactMap(\.letter) { self.disk?.changes.letters.append(.hold(letter)) }
        }
        self.touch(sink, [.grown, .offered])
    }

    /// Requests the next page that a sink needs from the disk.
    mutating func askForPage(_ sink: SinkIndex, _ effects: inout Effects) {
        guard self.disk != nil, self.sinks[sink].cursor.wantsPage(self.log) else { return }
        self.sinks[sink].cursor.isLoading = true
        self.disk?.pages.append(sink)
        effects.wakesWriter = true
    }

    /// Records what a sink has published under which sequence numbers, and how its snapshot has changed.
    mutating func number(
        _ sink: SinkIndex, _ deliveries: ArraySlice<Delivery>, from sequence: UInt64, _ snapshot: SnapshotChanges
    ) {
        guard self.disk != nil else { return }
        if !snapshot.isEmpty {
            var snapshot = snapshot
            snapshot.sink = self.sinks[sink].name
            self.disk?.changes.snapshots.append(snapshot)
        }
        // An event between two of them may not have been delivered, so each position is recorded.
        let cursor = self.sinks[sink].cursor
        let hasHoles = cursor.keys.isUsed || cursor.hasDropped || !cursor.ahead.isEmpty
        var run: NumberedRun?
        for (delivery, number) in zip(deliveries, sequence...) {
            if let ended = run, delivery.position < ended.last || (hasHoles && delivery.position > ended.last) {
                self.disk?.changes.numbers.append(ended)
                run = nil
            }
            if run == nil {
                run = NumberedRun(
                    sink: self.sinks[sink].name, first: delivery.position, last: delivery.position, count: 0, sequence: number
                )
            }
            run?.last = delivery.position
            run?.count += 1
        }
        if let run { self.disk?.changes.numbers.append(run) }
    }
}
