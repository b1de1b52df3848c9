/// What goes to the disk and comes back from it.
extension DeliveryMachine {
    /// Begins where an earlier run has left it.
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

    /// Takes what has happened since the last call.
    ///
    /// - Parameter marks: also how far the sinks have come; these may wait, at the price of more repetitions after a crash.
    mutating func takeWork(marks: Bool) -> DeliveryLog.Work {
        var work = DeliveryLog.Work()
        guard var disk = self.disk else { return work }
        self.disk = nil
        swap(&work.records, &disk.records)
        work.head = self.log.head
        work.advances = work.head > disk.committed
        // Dead letters, numbers and keys belong to the marks: all of them or none.
        if marks || !disk.changes.letters.isEmpty {
            swap(&work.changes, &disk.changes)
            for sink in disk.touched.elements {
                let mark = self.sinks[sink].cursor.mark(head: self.log.head)
                work.changes.sinks.append(SinkMark(sink: self.sinks[sink].name, position: mark.position, ahead: mark.ahead))
            }
            disk.touched.removeAll()
        }
        work.settled = self.debts.floor ?? self.log.head.next
        self.disk = disk
        return work
    }

    /// What was taken is safe now: sinks see it, and sources hear of it.
    mutating func commit(_ work: DeliveryLog.Work) {
        self.disk?.committed = work.head
        self.disk?.isFull = false
        self.commitDeadLetters(work.changes.letters)
        for (_, record) in work.records {
            self.disk?.weight -= record.event.weight
            // What was not safe could not be dropped yet, nor taken.
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

    /// Dead letters are safe, so that sinks may go on which waited for unwritten ones.
    private mutating func commitDeadLetters(_ changes: [DeadLetterChange]) {
        let wasFull = self.disk?.isFullOfDeadLetters == true
        for case .keep(let letter) in changes { self.disk?.deadLetterWeight -= letter.event.weight }
        guard wasFull else { return }
        for sink in self.sinks.indices { self.touch(sink, .offered) }
    }

    /// Takes the sinks that have something read back for them, with the last places that they have looked at.
    mutating func takePages() -> [(sink: SinkIndex, after: Position)] {
        guard let pages = self.disk?.pages, !pages.isEmpty else { return [] }
        self.disk?.pages.removeAll()
        return pages.map { ($0, self.sinks[$0].cursor.next.previous) }
    }

    /// Gives a sink what was read back for it.
    ///
    /// - Parameter unreadable: what it would have been given too; it is owed that no more.
    mutating func load(
        _ deliveries: [Delivery], _ unreadable: [UnreadableEvent], through position: Position, into sink: SinkIndex
    ) {
        let ahead = self.sinks[sink].cursor.ahead
        let lost = unreadable.filter { !ahead.contains($0.position) }
        self.sinks[sink].cursor.load(deliveries.filter { !ahead.contains($0.position) }, through: position)
        if !lost.isEmpty {
            self.sinks[sink].cursor.passOver(lost)
            self.disk?.touch(sink)
            for letter in lost.compactMap(\.letter) { self.disk?.changes.letters.append(.hold(letter)) }
        }
        self.touch(sink, [.grown, .offered])
    }

    /// Asks for the next piece of what a sink has to read back.
    mutating func askForPage(_ sink: SinkIndex, _ effects: inout Effects) {
        guard self.disk != nil, self.sinks[sink].cursor.wantsPage(self.log) else { return }
        self.sinks[sink].cursor.isLoading = true
        self.disk?.pages.append(sink)
        effects.wakesWriter = true
    }

    /// Notes what a sink has published under which numbers.
    mutating func number(
        _ sink: SinkIndex, _ deliveries: ArraySlice<Delivery>, from sequence: UInt64
    ) {
        guard self.disk != nil else { return }
        // What lies between two of them was perhaps not delivered, so each place stands for itself.
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
