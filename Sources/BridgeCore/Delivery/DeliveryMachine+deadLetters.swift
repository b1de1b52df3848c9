/// What cannot be delivered: overflow and dead letters.
extension DeliveryMachine {
    /// Applies the overflow policy of a sink that was given more: the oldest go until the rest is within its bounds.
    mutating func makeRoom(_ sink: SinkIndex, _ effects: inout Effects) {
        if self.sinks[sink].cursor.isOverBounds, self.sinks[sink].cursor.newest.superseded > 0 {
            let removed = self.sinks[sink].cursor.removeSuperseded(self.log, visible: self.visible, names: self.names)
            self.countSuperseded(removed, by: sink, &effects)
        }
        let policy = self.sinks[sink].cursor.settings.onFull
        guard policy != .block else { return }
        while self.sinks[sink].cursor.isOverBounds,
            let dropped = self.sinks[sink].cursor.dropOldest(self.log, visible: self.visible, names: self.names)
        {
            let reason = "the buffer of the sink is full"
            if policy == .deadLetter {
                self.makeDeadLetter(dropped, of: sink, .overflow, reason: reason, &effects)
            } else {
                self.disk?.hold(dropped)
                self.drop(dropped, of: sink, &effects)
                effects.losses.append((sink, .overflow, reason, isKept: false))
            }
        }
    }

    /// Makes a dead letter of a delivery that its cursor no longer holds, or drops it without a dead-letter sink.
    mutating func makeDeadLetter(
        _ delivery: Delivery, of sink: SinkIndex, _ cause: DropCause, reason: String, _ effects: inout Effects
    ) {
        self.drop(delivery, of: sink, &effects)
        // A refused dead letter goes nowhere, which would be a loop.
        let target = delivery.event.kind == .deadLetter ? nil : self.sinks[sink].deadLetterSink
        let letter = DeadLetter(
            reason: reason, sink: self.sinks[sink].name, route: delivery.route, attempts: delivery.attempts + 1)
        let id = self.disk?.keep(letter, of: delivery, target: target.map { self.sinks[$0].name })
        effects.losses.append((sink, cause, reason, isKept: target != nil || id != nil))
        guard let target else { return }
        self.give(letter.event(of: delivery.event), id: id, about: delivery.position, to: target)
        effects.wakesWriter = self.disk != nil
        // Immediately, so that dead letters go one by one when their sink is full.
        self.makeRoom(target, &effects)
    }

    /// Records that a sink will not get a delivery, and offers what was held back for its key.
    private mutating func drop(_ delivery: Delivery, of sink: SinkIndex, _ effects: inout Effects) {
        self.disk?.touch(sink)
        effects.undelivered.append((sink, delivery))
        let held = self.sinks[sink].cursor.keys.release(delivery)
        guard !held.isEmpty else { return }
        self.sinks[sink].cursor.offerHeld(held)
        self.touch(sink, .offered)
    }

    /// Appends a dead letter for its sink; the event's source waits for it.
    ///
    /// - Parameter original: the position of the event that it is about.
    mutating func give(_ letter: Event, id: Int64?, about original: Position, to sink: SinkIndex) {
        let plan = RoutePlan(RoutePlan.Letter(id: id, route: ""), to: sink, names: self.names)
        self.append(letter, Routing(plan: plan, shaped: []))
        self.sinks[sink].cursor.note(letter: self.log.head, about: original)
        guard let source = self.sources[letter.source] else { return }
        self.debts.give(self.log.head, of: source, to: sink)
    }

    /// Appends an event that no source sends at this moment, such as one for a single sink.
    mutating func append(_ event: Event, _ routing: Routing) {
        // The time of acceptance is now: trimming by the age of the event would remove younger ones with it.
        let record = LogRecord(event: event, routing: routing, accepted: .now)
        self.log.append(record)
        self.disk?.append(record, at: self.log.head)
        for entry in routing.plan.entries {
            self.sinks[entry.sink].cursor.grow(at: self.log.head, weight: event.weight)
            if let key = routing.key(of: entry), key.replaces {
                self.sinks[entry.sink].cursor.newest.note(key, at: self.log.head)
            }
            self.touch(entry.sink, [.grown, .offered])
        }
    }

    /// Replays a dead letter to the sink that abandoned it; no source waits for that.
    ///
    /// - Returns: whether the sink still exists; if not, the dead letter stays.
    mutating func replay(_ letter: StoredDeadLetter, variant: Int, _ effects: inout Effects) -> Bool {
        guard let sink = self.sinkIndices[letter.sink] else {
            self.disk?.changes.letters.append(.hold(letter.id))
            return false
        }
        let plan = RoutePlan(
            RoutePlan.Letter(id: letter.id, route: letter.route), to: sink, variant: variant, names: self.names)
        self.append(letter.event, Routing(plan: plan, shaped: []))
        self.sinks[sink].cursor.replays += 1
        effects.wakesWriter = true
        return true
    }

    /// Appends the event of a dead letter again and removes the dead letter; one whose event matches no route stays.
    ///
    /// - Returns: whether the event matches a route.
    mutating func replayAsNew(_ letter: StoredDeadLetter, _ record: LogRecord, _ effects: inout Effects) -> Bool {
        let goesNowhere = record.routing.plan.entries.isEmpty && self.unrouted == nil
        // The source may be gone from the file. Any other can replace it, since none waits for an answer.
        guard !goesNowhere, let source = self.sources[letter.event.source] ?? self.sources.values.min() else {
            self.disk?.changes.letters.append(.hold(letter.id))
            return false
        }
        self.append([record], repeated: [], source, wakesWriter: true, &effects)
        // Together with the event: a crash in between would lose both.
        self.disk?.changes.letters.append(.forget(letter.id))
        return true
    }
}
