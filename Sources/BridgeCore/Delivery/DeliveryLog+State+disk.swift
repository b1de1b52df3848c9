extension DeliveryLog.State {
    /// Begins where an earlier run has left it.
    mutating func resume(_ contents: LogContents) {
        for index in self.cursors.indices {
            guard let owed = contents.sinks[self.names[index]] else { continue }
            self.cursors[index].resume(owed)
        }
        for key in contents.keys {
            guard let sink = self.sink(named: key.sink) else { continue }
            self.cursors[sink].keys.insert(key.key, key.expires)
        }
        for letter in contents.letters.letters {
            guard let target = letter.target, let sink = self.sink(named: target) else { continue }
            let event = letter.deadLetter.event(of: letter.event)
            self.cursors[sink].accept(letter: event, id: letter.id, at: letter.position, accepted: .now)
        }
        let owed = self.cursors.elements.map { $0.pending > 0 }
        for source in self.watermarks.indices { self.watermarks[source].resume(at: contents.head, owed: owed) }
        var actions = DeliveryLog.Actions()
        self.settle(&actions)
        for sink in self.cursors.indices { self.askForPage(sink, actions: &actions) }
    }

    /// The sink of that name; `nil` when the file has none.
    func sink(named name: String) -> SinkIndex? {
        self.names.elements.firstIndex(of: name).map { SinkIndex($0) }
    }

    /// An event that no route takes goes to the sink for such events.
    mutating func giveUnrouted(_ record: LogRecord, at position: Position, to sink: SinkIndex) {
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

    /// An event that a route could not decide on goes to the sinks for the dead letters of those that the route would have chosen, else to
    /// the sink for what no route takes. A log on disk keeps it in any case.
    ///
    /// - Returns: the sinks that got it.
    mutating func giveLost(
        _ lost: LostRoute, of record: LogRecord, at position: Position, routes: ComponentTable<RouteIndex, String>
    ) -> [SinkIndex] {
        let letter = DeadLetter(reason: lost.reason, sink: "", route: routes[lost.route], attempts: 0)
        var sinks: [SinkIndex] = []
        for sink in lost.sinks { if let target = self.deadLetters[sink], !sinks.contains(target) { sinks.append(target) } }
        if sinks.isEmpty, let unrouted { sinks = [unrouted] }
        let delivery = Delivery(
            event: record.event, variant: 0, route: letter.route, attempts: 0, position: position, ticket: 0,
            accepted: record.accepted
        )
        if sinks.isEmpty { _ = self.disk?.keep(letter, of: delivery, target: nil) }
        for sink in sinks {
            let id = self.disk?.keep(letter, of: delivery, target: self.names[sink])
            self.give(letter.event(of: record.event), id: id, at: position, accepted: record.accepted, to: sink)
        }
        return sinks
    }

    /// Has the writer begin: also for an event that goes nowhere, whose source wants to hear that it is safe.
    func afterAppending(_ actions: inout DeliveryLog.Actions) {
        if self.log.head > self.visible { actions.wakesWriter = true }
    }

    /// Asks for the next piece of what a sink has to read back.
    mutating func askForPage(_ sink: SinkIndex, actions: inout DeliveryLog.Actions) {
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
        work.advances = work.head > disk.committed
        // Dead letters, numbers and keys belong to the marks: all of them or none.
        if marks || !disk.letters.isEmpty {
            swap(&work.changes.letters, &disk.letters)
            swap(&work.changes.numbers, &disk.numbers)
            swap(&work.changes.numberedLetters, &disk.numberedLetters)
            swap(&work.changes.keys, &disk.keys)
            for sink in disk.touched.elements {
                let mark = self.cursors[sink].mark(head: self.log.head)
                work.changes.sinks.append(SinkMark(sink: self.names[sink], position: mark.position, ahead: mark.ahead))
            }
            disk.touched.removeAll()
        }
        work.settled = self.cursors.elements.compactMap(\.floor).min() ?? self.log.head.next
        self.disk = disk
        return work
    }

    mutating func committed(
        _ work: DeliveryLog.Work, routes: ComponentTable<RouteIndex, String>, _ actions: inout DeliveryLog.Actions
    ) {
        self.disk?.committed = work.head
        for (_, record) in work.records { self.disk?.weight -= record.event.weight }
        self.disk?.isRefusing = false
        // What was not safe could not be dropped yet.
        for sink in self.cursors.indices where self.cursors[sink].inLog > 0 {
            self.makeRoom(sink, routes: routes, actions: &actions)
        }
        self.settle(&actions)
        for sink in self.cursors.indices where self.cursors[sink].inLog > 0 { self.wake(sink, actions: &actions) }
        self.releaseLog()
        guard self.log.count > DiskState.window.events || self.log.weight > DiskState.window.bytes else { return }
        // Half at once, so that it does not happen for every batch.
        self.log.release(before: min(work.head.next, Position(self.log.oldest.rawValue + UInt64(self.log.count / 2))))
    }
}
