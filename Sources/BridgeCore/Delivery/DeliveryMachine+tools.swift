/// The tools of routes, between routing and the log.
extension DeliveryMachine {
    /// How many events the tools of a route pass on in one command.
    private static let piece = 256

    /// Lets the tools of the routes decide about a batch.
    ///
    /// - Returns: the records to append; what the tools release is appended before.
    mutating func applyTools(_ records: [LogRecord], _ effects: inout Effects) -> [LogRecord] {
        guard self.flow != nil, records.contains(where: { $0.routing.readings != nil }) else { return records }
        let now = self.clock()
        let known = self.flow?.due
        var touched: [RouteIndex] = []
        var kept: [LogRecord] = []
        kept.reserveCapacity(records.count)
        for record in records {
            guard let readings = record.routing.readings else {
                kept.append(record)
                continue
            }
            for (route, _) in readings.items where !touched.contains(route) {
                touched.append(route)
                // What is due was accepted before this batch.
                guard self.flow?.isDue(route, now: now) == true else { continue }
                let room = self.room(route)
                self.flow?.release(route, now: now, room: room)
            }
            kept.append(self.apply(readings, to: record, now, &effects))
        }
        for route in touched { self.finish(route, &effects) }
        if let due = self.flow?.due, due < known ?? Timestamp(milliseconds: .max) { effects.hasEarlierTool = true }
        return kept
    }

    /// Lets the tools of the routes decide about one event.
    private mutating func apply(
        _ readings: ToolReadings, to record: LogRecord, _ now: Timestamp, _ effects: inout Effects
    ) -> LogRecord {
        let routing = record.routing
        var removed: [RouteIndex] = []
        var replaced: [(route: RouteIndex, event: Event)] = []
        for (route, reading) in readings.items {
            let entries = routing.plan.entries.filter { $0.route == route }
            guard let first = entries.first, let targets = self.flow?.targets[route] else { continue }
            let event = record.event(of: first)
            let item = FlowItem(
                event: event, reading: reading,
                targets: targets.filter { target in
                    entries.contains { $0.sink == target.sink && $0.variant == target.variant }
                }, key: routing.keys[route])
            switch self.flow?.apply(route, item, now: now) {
            case .passes(let changed):
                if let changed { replaced.append((route, changed)) }
                continue
            case .held: break
            case .dropped, .joined, nil:
                // The same event may come again.
                for entry in entries {
                    let delivery = Delivery(
                        event: event, variant: entry.variant, route: "", attempts: 0, position: .start, ticket: 0,
                        accepted: record.accepted)
                    effects.undelivered.append((entry.sink, delivery))
                }
            }
            removed.append(route)
        }
        guard !removed.isEmpty || !replaced.isEmpty,
            let plan = self.flow?.plan(
                routing.plan, without: removed, replacing: replaced.map(\.route), from: routing.shaped.count)
        else { return record }
        return LogRecord(
            event: record.event,
            routing: Routing(plan: plan, shaped: routing.shaped + replaced.map(\.event), keys: routing.keys, lost: routing.lost),
            accepted: record.accepted, repeatKey: record.repeatKey
        )
    }

    /// Passes on what is due in all routes.
    mutating func runTools(_ now: Timestamp, _ effects: inout Effects) {
        self.appendOrphans(&effects)
        var isBlocked = true
        for route in self.flow?.routes ?? [] where self.flow?.isDue(route, now: now) == true {
            let room = self.room(route)
            self.flow?.release(route, now: now, room: room)
            if self.finish(route, &effects) > 0 { isBlocked = false }
        }
        self.flow?.updateDue(now: isBlocked ? now : nil)
        effects.wakesWriter = self.disk != nil
        effects.hasEarlierTool = true
    }

    /// Passes on everything that a log in memory would lose.
    mutating func flushTools(_ effects: inout Effects) {
        guard self.disk == nil, self.flow != nil else { return }
        self.flow?.flush(now: self.clock())
        for route in self.flow?.routes ?? [] { self.finish(route, &effects) }
    }

    /// How many events the sinks of a route can take.
    private func room(_ route: RouteIndex) -> Int {
        let sinks = self.flow?.targets[route]?.map(\.sink) ?? []
        let room = sinks.map { sink -> Int in
            let cursor = self.sinks[sink].cursor
            return cursor.isFull ? 0 : cursor.settings.events - cursor.pending
        }
        return max(0, min(room.min() ?? 0, Self.piece))
    }

    /// Appends what a route has released, and reports what it did.
    ///
    /// - Returns: the number of events that it has released.
    @discardableResult
    private mutating func finish(_ route: RouteIndex, _ effects: inout Effects) -> Int {
        let events = self.flow?.takeReleased(route) ?? []
        for released in events {
            let entries = released.targets.map {
                RoutePlan.Entry(sink: $0.sink, variant: $0.variant, route: route, shape: -1)
            }
            let keys: [RouteIndex: DedupeKey] = released.key.map { [route: $0] } ?? [:]
            let plan = self.flow?.plan(of: entries) ?? RoutePlan(entries: entries, names: self.names)
            self.append(released.event, Routing(plan: plan, shaped: [], keys: keys))
        }
        if let report = self.flow?.takeNotes(route) { effects.tools.append(report) }
        return events.count
    }

    /// Passes on what an earlier run held for routes that are gone; without a sink it becomes a dead letter.
    private mutating func appendOrphans(_ effects: inout Effects) {
        for orphan in self.flow?.takeOrphans() ?? [] {
            for target in orphan.targets {
                let letter = RoutePlan.Letter(id: nil, route: target.route)
                let plan = RoutePlan(letter, to: target.sink, variant: target.variant, names: self.names)
                self.append(orphan.event, Routing(plan: plan, shaped: []))
            }
            guard orphan.targets.isEmpty else { continue }
            let letter = DeadLetter(
                reason: "the route that held it and its sinks are no longer in the file", sink: "", route: orphan.route,
                attempts: 0)
            let delivery = Delivery(
                event: orphan.event, variant: 0, route: orphan.route, attempts: 0, position: self.log.head, ticket: 0)
            _ = self.disk?.keep(letter, of: delivery, target: nil)
        }
    }

    /// Keeps the repeat key of an event that tools took: it is not among the events that a log on disk writes.
    mutating func keepRepeatKey(of record: LogRecord, at position: Position) {
        self.disk?.take(record.event)
        guard let key = record.repeatKey else { return }
        self.flow?.note(.repeatKey(position: position, source: record.event.source, key: key))
    }
}
