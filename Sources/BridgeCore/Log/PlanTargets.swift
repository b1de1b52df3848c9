/// Turns log records into what is stored of them: with names in place of places.
struct PlanTargets {
    private let routes: [String]
    private let sinks: [String]
    /// Plans are shared by many events, so their names are found once.
    private var known: [ObjectIdentifier: (plan: RoutePlan, targets: [StoredEvent.Target])] = [:]
    /// The last of them.
    private var last: (plan: RoutePlan, targets: [StoredEvent.Target])?

    /// - Parameters:
    ///   - routes: the names of the routes.
    ///   - sinks: the names of the sinks.
    init(routes: [String], sinks: [String]) {
        self.routes = routes
        self.sinks = sinks
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
            repeatKey: record.repeatKey
        )
    }

    private mutating func targets(of plan: RoutePlan) -> [StoredEvent.Target] {
        if let last, last.plan === plan { return last.targets }
        let known = self.known[ObjectIdentifier(plan)] ?? self.found(plan)
        self.last = known
        return known.targets
    }

    private mutating func found(_ plan: RoutePlan) -> (plan: RoutePlan, targets: [StoredEvent.Target]) {
        let targets = plan.entries.map { entry in
            StoredEvent.Target(
                sink: self.sinks[entry.sink], route: self.routes[entry.route], variant: entry.variant, copy: entry.shape
            )
        }
        if self.known.count >= 1024 { self.known.removeAll() }
        self.known[ObjectIdentifier(plan)] = (plan, targets)
        return (plan, targets)
    }
}
