/// Converts log records for storage: with names instead of indices.
struct PlanTargets {
    private let routes: ComponentTable<RouteIndex, Route>
    private let sinks: ComponentTable<SinkIndex, String>
    /// Many events share a plan, so its names are looked up once.
    private var known: [ObjectIdentifier: (plan: RoutePlan, targets: [StoredEvent.Target])] = [:]
    /// The last of them.
    private var last: (plan: RoutePlan, targets: [StoredEvent.Target])?
    /// The stored text of a route that chose a sink with certain settings, where it is more than the name.
    private var longer: [Chosen: String] = [:]

    private struct Chosen: Hashable {
        let sink: String
        let route: String
        let variant: Int
    }

    /// - Parameters:
    ///   - routes: in the order of the file.
    ///   - sinks: the names of the sinks.
    init(routes: [Route], sinks: [String]) {
        self.routes = ComponentTable(routes)
        self.sinks = ComponentTable(sinks)
        for route in routes {
            // A failed route is stored without a sink.
            let text = StoredRoute(route, settings: 0).text
            if text != route.name { self.longer[Chosen(sink: "", route: route.name, variant: 0)] = text }
            for target in route.targets where self.sinks.contains(target.sink) {
                let text = StoredRoute(route, settings: target.settings).text
                guard text != route.name else { continue }
                self.longer[Chosen(sink: self.sinks[target.sink], route: route.name, variant: target.variant)] = text
            }
        }
    }

    /// The change to the dead letters as it is stored.
    ///
    /// A dead letter of an earlier run has its route in stored form already.
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
        // The events of a batch have one time of acceptance.
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
            // A plan of its own, with the route in stored form already.
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
