/// What sources append.
extension DeliveryMachine {
    mutating func append(
        _ records: [LogRecord], repeated: [SinkIndex], _ source: SourceIndex, wakesWriter: Bool, _ effects: inout Effects
    ) {
        let records = self.applyTools(records, &effects)
        for record in records {
            self.log.append(record)
            let position = self.log.head
            let (entries, lost) = (record.routing.plan.entries, record.routing.lost)
            if !entries.isEmpty { self.disk?.append(record, at: position) }
            for entry in entries {
                self.sinks[entry.sink].cursor.grow(at: position, weight: record.event(of: entry).weight)
                if let key = record.routing.key(of: entry), key.replaces {
                    self.sinks[entry.sink].cursor.newest.note(key, at: position)
                }
                self.debts.give(position, of: source, to: entry.sink)
                self.touch(entry.sink, [.grown, .offered])
            }
            for route in lost { self.makeDeadLetterOfLost(route, of: record, at: position) }
            if record.routing.plan === RoutePlan.taken {
                self.keepRepeatKey(of: record, at: position)
            } else if entries.isEmpty, record.routing.plan !== RoutePlan.switchedOff {
                effects.unrouted += 1
                if record.event.kind != .gap, lost.isEmpty { self.makeDeadLetterOfUnrouted(record, at: position) }
            }
        }
        for sink in repeated { self.debts.give(self.log.head, of: source, to: sink) }
        if !records.isEmpty || !repeated.isEmpty { self.advance(source) }
        if wakesWriter, self.log.head > self.visible { effects.wakesWriter = true }
        effects.outcome = .appended(source)
    }

    /// Moves a source's watermark to the head of the log.
    private mutating func advance(_ source: SourceIndex) {
        self.watermarks[source].append(at: self.log.head)
        self.debts.due.insert(source)
        if self.disk != nil { self.uncommitted.insert(source) }
    }

    /// Makes a dead letter of an event that no route matches, for the sink of unrouted events.
    private mutating func makeDeadLetterOfUnrouted(_ record: LogRecord, at position: Position) {
        guard let unrouted else { return }
        let letter = DeadLetter(reason: "no route matches it", sink: "", route: "", attempts: 0)
        self.sendDeadLetter(record, at: position, letter, letter.event(of: record.event), to: [unrouted])
    }

    /// Makes a dead letter of an event on which a route's expression failed.
    ///
    /// It goes to the dead-letter sinks of the sinks that the route would have chosen, otherwise to the sink for
    /// unrouted events. A log on disk always keeps it.
    private mutating func makeDeadLetterOfLost(_ lost: LostRoute, of record: LogRecord, at position: Position) {
        var sinks: [SinkIndex] = []
        for sink in lost.sinks {
            if let target = self.sinks[sink].deadLetterSink, !sinks.contains(target) { sinks.append(target) }
        }
        if sinks.isEmpty, let unrouted { sinks = [unrouted] }
        self.sendDeadLetter(record, at: position, lost.letter, lost.deadLetter, to: sinks)
    }

    /// Sends a dead letter that comes from no sink to some sinks, and keeps it on disk.
    private mutating func sendDeadLetter(
        _ record: LogRecord, at position: Position, _ letter: DeadLetter, _ event: Event, to sinks: [SinkIndex]
    ) {
        let delivery = Delivery(
            event: record.event, variant: 0, route: letter.route, attempts: 0, position: position, ticket: 0,
            accepted: record.accepted
        )
        if sinks.isEmpty { _ = self.disk?.keep(letter, of: delivery, target: nil) }
        for sink in sinks {
            let id = self.disk?.keep(letter, of: delivery, target: self.sinks[sink].name)
            self.give(event, id: id, about: position, to: sink)
        }
    }

    /// Keeps what a source abandons at its own position, which becomes safe once it is written.
    mutating func keep(
        _ event: Event, repeatKey: UInt64?, reason: String, attempts: Int, _ source: SourceIndex, _ effects: inout Effects
    ) {
        guard let id = self.disk?.nextDeadLetter() else { return }
        self.log.append(LogRecord(event: event, routing: Routing(plan: .nowhere, shaped: []), accepted: .now))
        self.advance(source)
        let letter = StoredDeadLetter(
            id: id, time: .now(), sink: "", route: "", reason: reason, attempts: attempts, target: nil, event: event,
            position: self.log.head, repeatKey: repeatKey
        )
        self.disk?.keep(letter)
        effects.wakesWriter = true
        effects.outcome = .appended(source)
    }
}
