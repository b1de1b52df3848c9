/// Turns log records into what is stored of them: with names in place of places.
struct PlanTargets {
    private let routes: ComponentTable<RouteIndex, Route>
    private let sinks: ComponentTable<SinkIndex, String>
    /// Plans are shared by many events, so their names are found once.
    private var known: [ObjectIdentifier: (plan: RoutePlan, targets: [StoredEvent.Target])] = [:]
    /// The last of them.
    private var last: (plan: RoutePlan, targets: [StoredEvent.Target])?
    /// What is stored of the routes that chose a sink with certain settings; only where that is more than their name.
    private var longer: [Chosen: String] = [:]

    private struct Chosen: Hashable {
        let sink: String
        let route: String
        let variant: Int
    }

    /// - Parameters:
    ///   - routes: those of the file, in its order.
    ///   - sinks: the names of the sinks.
    init(routes: [Route], sinks: [String]) {
        self.routes = ComponentTable(routes)
        self.sinks = ComponentTable(sinks)
        for route in routes {
            // Of an event that was lost to the route no sink is named.
            let text = StoredRoute(route, settings: 0).text
            if text != route.name { self.longer[Chosen(sink: "", route: route.name, variant: 0)] = text }
            for target in route.targets where self.sinks.contains(target.sink) {
                let text = StoredRoute(route, settings: target.settings).text
                guard text != route.name else { continue }
                self.longer[Chosen(sink: self.sinks[target.sink], route: route.name, variant: target.variant)] = text
            }
        }
    }

    /// What is written of a change to the dead letters.
    ///
    /// A letter whose event an earlier run has left names its route as the log does already.
    func stored(_ change: DeadLetterChange) -> DeadLetterChange {
        guard case .keep(var letter) = change else { return change }
        letter.route = self.name(of: letter.route, sink: letter.sink, variant: letter.variant)
        return .keep(letter)
    }

    private func name(of route: String, sink: String, variant: Int) -> String {
        self.longer[Chosen(sink: sink, route: route, variant: variant)] ?? route
    }

    mutating func stored(_ records: [(position: Position, record: LogRecord)]) -> [StoredEvent] {
        guard !records.isEmpty else { return [] }
        let (now, wall) = (ContinuousClock.now, Timestamp.now().milliseconds)
        var events: [StoredEvent] = []
        events.reserveCapacity(records.count)
        // What came in one batch was accepted at once.
        var batch: (accepted: ContinuousClock.Instant, time: Timestamp)?
        for (position, record) in records {
            if batch?.accepted != record.accepted {
                batch = (record.accepted, Timestamp(milliseconds: wall - (now - record.accepted).milliseconds))
            }
            events.append(self.stored(position, record, batch!.time))
        }
        return events
    }

    private mutating func stored(_ position: Position, _ record: LogRecord, _ accepted: Timestamp) -> StoredEvent {
        var targets = self.targets(of: record.routing.plan)
        if !record.routing.keys.isEmpty {
            for (index, entry) in record.routing.plan.entries.enumerated() {
                targets[index].key = record.routing.keys[entry.route]
            }
        }
        return StoredEvent(
            position: position, accepted: accepted, event: record.event, targets: targets, copies: record.routing.shaped,
            repeatKey: record.repeatKey, letter: record.routing.plan.letter?.id
        )
    }

    private mutating func targets(of plan: RoutePlan) -> [StoredEvent.Target] {
        if let last, last.plan === plan { return last.targets }
        if let letter = plan.letter {
            // A plan of its own, and the name of its route is the log's already.
            return plan.entries.map {
                StoredEvent.Target(sink: self.sinks[$0.sink], route: letter.route, variant: $0.variant, copy: $0.shape)
            }
        }
        let known = self.known[ObjectIdentifier(plan)] ?? self.found(plan)
        self.last = known
        return known.targets
    }

    private mutating func found(_ plan: RoutePlan) -> (plan: RoutePlan, targets: [StoredEvent.Target]) {
        let targets = plan.entries.map { entry in
            let (sink, route) = (self.sinks[entry.sink], self.routes[entry.route].name)
            return StoredEvent.Target(
                sink: sink, route: self.name(of: route, sink: sink, variant: entry.variant), variant: entry.variant,
                copy: entry.shape
            )
        }
        if self.known.count >= 1024 { self.known.removeAll() }
        self.known[ObjectIdentifier(plan)] = (plan, targets)
        return (plan, targets)
    }
}
