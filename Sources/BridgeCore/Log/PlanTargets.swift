/// Converts log records for storage: with names instead of indices.
struct PlanTargets {
    /// The current ones, for plans that have none.
    private var names: RouteNames
    /// Many events share a plan, so its names are looked up once.
    private var known: [ObjectIdentifier: (plan: RoutePlan, targets: [StoredEvent.Target])] = [:]
    /// The last of them.
    private var last: (plan: RoutePlan, targets: [StoredEvent.Target])?
    /// The stored text of a route that chose a sink with certain settings, where it is more than the name; by the names that
    /// a plan has.
    private var longer: [ObjectIdentifier: (names: RouteNames, texts: [Chosen: String])] = [:]
    /// How many configurations are remembered before all are forgotten.
    private static let configurations = 8

    private struct Chosen: Hashable {
        let sink: String
        let route: String
        let variant: Int
    }

    /// - Parameters:
    ///   - routes: in the order of the file.
    ///   - sinks: the names of the sinks.
    init(routes: [Route], sinks: [String]) {
        self.init(RouteNames(routes: routes, sinks: sinks))
    }

    /// - Parameter names: those of the first configuration.
    init(_ names: RouteNames) {
        self.names = names
        self.follow(names)
    }

    /// Takes the names of another configuration, which dead letters have from now on.
    mutating func follow(_ names: RouteNames) {
        self.names = names
        _ = self.texts(of: names)
    }

    private mutating func texts(of names: RouteNames) -> [Chosen: String] {
        if let known = self.longer[ObjectIdentifier(names)] { return known.texts }
        var texts: [Chosen: String] = [:]
        for route in names.routes {
            // A failed route is stored without a sink.
            let text = StoredRoute(route, settings: 0).text
            if text != route.name { texts[Chosen(sink: "", route: route.name, variant: 0)] = text }
            for target in route.targets where names.sinks.indices.contains(target.sink.rawValue) {
                let text = StoredRoute(route, settings: target.settings).text
                guard text != route.name else { continue }
                texts[Chosen(sink: names.sinks[target.sink.rawValue], route: route.name, variant: target.variant)] = text
            }
        }
        if self.longer.count >= Self.configurations { self.longer.removeAll() }
        self.longer[ObjectIdentifier(names)] = (names, texts)
        return texts
    }

    /// The change to the dead letters as it is stored.
    ///
    /// A dead letter of an earlier run has its route in stored form already.
    mutating func stored(_ change: DeadLetterChange) -> DeadLetterChange {
        guard case .keep(var letter) = change else { return change }
        letter.route = self.name(of: letter.route, sink: letter.sink, variant: letter.variant, self.names)
        return .keep(letter)
    }

    private mutating func name(of route: String, sink: String, variant: Int, _ names: RouteNames) -> String {
        self.texts(of: names)[Chosen(sink: sink, route: route, variant: variant)] ?? route
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
        let names = self.names(of: plan)
        if let letter = plan.letter {
            // A plan of its own, with the route in stored form already.
            return plan.entries.map {
                StoredEvent.Target(sink: names.sinks[$0.sink.rawValue], route: letter.route, variant: $0.variant, copy: $0.shape)
            }
        }
        let known = self.known[ObjectIdentifier(plan)] ?? self.found(plan, names)
        self.last = known
        return known.targets
    }

    /// The names behind a plan's indices; a table without sinks was made without this configuration.
    private func names(of plan: RoutePlan) -> RouteNames {
        guard let names = plan.names, !names.sinks.isEmpty else { return self.names }
        return names
    }

    private mutating func found(
        _ plan: RoutePlan, _ names: RouteNames
    ) -> (plan: RoutePlan, targets: [StoredEvent.Target]) {
        var targets: [StoredEvent.Target] = []
        for entry in plan.entries {
            let (sink, route) = (names.sinks[entry.sink.rawValue], names[entry.route])
            targets.append(
                StoredEvent.Target(
                    sink: sink, route: self.name(of: route, sink: sink, variant: entry.variant, names), variant: entry.variant,
                    copy: entry.shape
                ))
        }
        if self.known.count >= 1024 { self.known.removeAll() }
        self.known[ObjectIdentifier(plan)] = (plan, targets)
        return (plan, targets)
    }
}
