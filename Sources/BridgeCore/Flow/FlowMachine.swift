import JSON
import Logging

/// The tools of all routes that have some: between routing and the log, they decide which events pass, and when.
///
/// A value without a lock or I/O; ``DeliveryMachine`` owns it and appends what it releases. What it changes is written
/// in the same group as the events that caused it, so that an event that a tool took is safe for its source once the
/// log has it. In memory, bounded as ``RouteFlow`` says.
struct FlowMachine: Sendable {
    /// How many plans are cached before all are dropped.
    private static let planLimit = 1024
    /// How long to wait for the sinks of a route when they have no room.
    private static let pause = Duration.seconds(1)

    private(set) var flows: [RouteIndex: RouteFlow] = [:]
    /// The routes with tools, in the order of the file.
    private(set) var routes: [RouteIndex] = []
    /// Their sinks.
    private(set) var targets: [RouteIndex: [Route.Target]] = [:]
    /// When something is due next, or a little earlier; `nil` when nothing is.
    private(set) var due: Timestamp?
    /// What an earlier run held for routes that are gone: it passes on at the first opportunity.
    private var orphans: [Orphan] = []
    private var changes: [FlowChange] = []
    /// The routes with changes that are not written.
    private var unwritten: Set<RouteIndex> = []
    /// The plans of released events.
    private var ownPlans: [[RoutePlan.Entry]: RoutePlan] = [:]
    private var plans: [PlanKey: (base: RoutePlan, plan: RoutePlan)] = [:]
    let isRecording: Bool
    /// The names of routes and sinks in the plans of released events; `nil` for the current ones.
    private var names: RouteNames?
    /// How many held events of an earlier run cannot be read.
    private(set) var unreadable: Int

    /// An event of an earlier run whose route is gone.
    struct Orphan: Sendable {
        let event: Event
        /// The sinks that are left; empty when none is.
        let targets: [(sink: SinkIndex, variant: Int, route: String)]
        let route: String
    }

    private struct PlanKey: Hashable {
        let base: ObjectIdentifier
        let removed: [RouteIndex]
        let replaced: [RouteIndex]
    }

    /// - Parameters:
    ///   - sinks: the names of the sinks.
    ///   - stored: what an earlier run left on disk; `nil` for a log in memory.
    ///   - isRecording: whether changes are written to a log on disk; by default if there is something stored.
    /// - Returns: `nil` when no route has tools and nothing is left of an earlier run.
    init?(
        routes: [Route], sinks: [String], events: FlowEvents, stored: StoredFlow?, isRecording: Bool? = nil, now: Timestamp
    ) {
        self.isRecording = isRecording ?? (stored != nil)
        self.unreadable = stored?.unreadable ?? 0
        for (index, route) in routes.enumerated() {
            guard let tools = route.tools else { continue }
            self.routes.append(RouteIndex(index))
            self.targets[RouteIndex(index)] = route.targets
            self.flows[RouteIndex(index)] = RouteFlow(
                route, tools: tools, sinks: sinks, events: events, isRecording: self.isRecording, after: stored?.lastID ?? 0,
                now: now)
        }
        if let stored { self.restore(stored, routes: routes, sinks: sinks, events: events, now: now) }
        guard !self.flows.isEmpty || !self.orphans.isEmpty || !self.changes.isEmpty else { return nil }
        self.unwritten = Set(self.flows.keys)
        self.updateDue()
        if !self.orphans.isEmpty { self.due = now }
    }

    // MARK: Deciding

    /// Whether something of a route is due, and passes before anything new.
    func isDue(_ route: RouteIndex, now: Timestamp) -> Bool { self.flows[route]?.due.map { $0 <= now } ?? false }

    /// Decides about one event of a route.
    mutating func apply(_ route: RouteIndex, _ item: FlowItem, now: Timestamp) -> FlowVerdict {
        guard let verdict = self.flows[route]?.apply(item, now: now) else { return .passes(nil) }
        self.lowerDue(route)
        return verdict
    }

    /// Passes on what is due of a route.
    ///
    /// - Parameter room: how many events its sinks can take.
    mutating func release(_ route: RouteIndex, now: Timestamp, room: Int) {
        self.flows[route]?.release(now: now, room: room)
        self.lowerDue(route)
    }

    private mutating func lowerDue(_ route: RouteIndex) {
        if self.isRecording { self.unwritten.insert(route) }
        guard let due = self.flows[route]?.due, due < self.due ?? Timestamp(milliseconds: .max) else { return }
        self.due = due
    }

    /// Finds ``due`` again, after everything that was due had its opportunity.
    ///
    /// - Parameter now: what is still due waits for room in its sinks.
    mutating func updateDue(now: Timestamp? = nil) {
        let least = self.flows.values.compactMap(\.due).min()
        guard let now, let least, least <= now else {
            self.due = least
            return
        }
        self.due = now.adding(Self.pause)
    }

    /// Passes on everything that is kept; for a log in memory that ends.
    mutating func flush(now: Timestamp) {
        for route in self.flows.keys { self.flows[route]?.flush(now: now) }
        self.due = nil
    }

    // MARK: Taking

    /// Takes what a route has passed on, in order.
    mutating func takeReleased(_ route: RouteIndex) -> [ReleasedEvent] {
        guard self.flows[route]?.released.isEmpty == false else { return [] }
        defer { self.flows[route]?.released.removeAll() }
        return self.flows[route]?.released ?? []
    }

    /// How much each route keeps.
    var reports: [FlowReport] {
        self.flows.map { FlowReport(route: $0.key, notes: [], held: $0.value.heldCount, missing: $0.value.missing) }
    }

    /// Takes what a route has done, with how much it keeps.
    mutating func takeNotes(_ route: RouteIndex) -> FlowReport? {
        guard let flow = self.flows[route] else { return nil }
        let report = FlowReport(route: route, notes: flow.notes, held: flow.heldCount, missing: flow.missing)
        if !flow.notes.isEmpty { self.flows[route]?.notes.removeAll(keepingCapacity: true) }
        return report
    }

    /// Takes the events whose route is gone.
    mutating func takeOrphans() -> [Orphan] {
        defer { self.orphans = [] }
        return self.orphans
    }

    /// Logs how many events of an earlier run a route no longer keeps, once per route and outcome.
    func reportOrphans(to logger: Logger) {
        func report(_ message: Logger.Message, _ level: Logger.Level, _ orphans: [Orphan]) {
            let counts = Dictionary(grouping: orphans, by: \.route).mapValues(\.count)
            for (route, count) in counts.sorted(by: { $0.key < $1.key }) {
                logger.log(level: level, message, metadata: ["route": "\(route)", "count": "\(count)"])
            }
        }
        report("Releasing events that their route no longer holds", .notice, self.orphans.filter { !$0.targets.isEmpty })
        report("Held events became dead letters; their sinks left the file", .warning, self.orphans.filter(\.targets.isEmpty))
    }

    /// Notes a change that no route's tool makes.
    mutating func note(_ change: FlowChange) {
        if self.isRecording { self.changes.append(change) }
    }

    /// Takes what is to be written.
    mutating func takeChanges() -> [FlowChange] {
        var taken: [FlowChange] = []
        swap(&taken, &self.changes)
        guard !self.unwritten.isEmpty else { return taken }
        for route in self.unwritten {
            if let changes = self.flows[route]?.takeChanges(), !changes.isEmpty { taken += changes }
        }
        self.unwritten.removeAll(keepingCapacity: true)
        return taken
    }

    // MARK: Plans

    /// The plan without some routes, and with changed events of others; the same object for the same arguments.
    ///
    /// - Parameter shape: the index of the first changed event.
    mutating func plan(
        _ base: RoutePlan, without removed: [RouteIndex], replacing replaced: [RouteIndex], from shape: Int
    ) -> RoutePlan {
        let key = PlanKey(base: ObjectIdentifier(base), removed: removed, replaced: replaced)
        if let known = self.plans[key] { return known.plan }
        let entries = base.entries.filter { !removed.contains($0.route) }.map { entry in
            guard let place = replaced.firstIndex(of: entry.route) else { return entry }
            return RoutePlan.Entry(sink: entry.sink, variant: entry.variant, route: entry.route, shape: shape + place)
        }
        let plan = entries.isEmpty ? RoutePlan.taken : RoutePlan(entries: entries, names: base.names)
        if self.plans.count >= Self.planLimit { self.plans.removeAll() }
        self.plans[key] = (base, plan)
        return plan
    }

    /// The plan of a released event; the same object for the same entries.
    mutating func plan(of entries: [RoutePlan.Entry]) -> RoutePlan {
        if let known = self.ownPlans[entries] { return known }
        if self.ownPlans.count >= Self.planLimit { self.ownPlans.removeAll() }
        let plan = RoutePlan(entries: entries, names: self.names)
        self.ownPlans[entries] = plan
        return plan
    }

    // MARK: Another configuration

    /// The tools of other routes, which continue what these keep.
    ///
    /// The tools of a kept route go on as they are. What the others keep is treated as after a restart.
    ///
    /// - Parameters:
    ///   - kept: the new index of each kept route, by the old one.
    ///   - sinks: the names of the sinks by index.
    /// - Returns: `nil` when no route has tools and nothing is left.
    func continued(
        _ kept: [RouteIndex: RouteIndex], routes: [Route], sinks: [String], events: FlowEvents, names: RouteNames, now: Timestamp
    ) -> FlowMachine? {
        var old = self
        var stored = StoredFlow()
        var changes = old.changes
        var keptFlows: [RouteIndex: RouteFlow] = [:]
        for index in self.routes {
            guard var flow = self.flows[index] else { continue }
            stored.lastID = max(stored.lastID, flow.nextID - 1)
            if let new = kept[index] {
                flow.follow(routes[new.rawValue])
                keptFlows[new] = flow
            } else {
                changes += flow.takeChanges()
                stored.states += flow.states
                stored.held += flow.heldEvents
            }
        }
        old.changes = []
        let made = FlowMachine(
            routes: routes, sinks: sinks, events: events, stored: stored, isRecording: self.isRecording, now: now)
        guard var machine = made ?? (changes.isEmpty && self.orphans.isEmpty ? nil : old) else { return nil }
        if made == nil { (machine.flows, machine.routes, machine.targets) = ([:], [], [:]) }
        machine.changes = changes + machine.changes
        machine.orphans = self.orphans + (made == nil ? [] : machine.orphans)
        machine.unreadable = self.unreadable
        machine.names = names
        machine.plans = [:]
        machine.ownPlans = [:]
        for (index, flow) in keptFlows { machine.flows[index] = flow }
        machine.unwritten = Set(machine.flows.keys)
        machine.updateDue()
        if !machine.orphans.isEmpty { machine.due = now }
        return machine
    }

    // MARK: An earlier run

    private mutating func restore(
        _ stored: StoredFlow, routes: [Route], sinks: [String], events: FlowEvents, now: Timestamp
    ) {
        let parser = JSONParser()
        let targets = RouteTargets(routes: routes, sinks: sinks)
        let indices = Dictionary(sinks.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let known = Dictionary(
            routes.enumerated().map { ($0.element.identity, RouteIndex($0.offset)) }, uniquingKeysWith: { first, _ in first })
        func places(_ stored: [StoredEvent.Target]) -> [(sink: SinkIndex, variant: Int, route: String)] {
            stored.compactMap { target in
                guard let sink = indices[target.sink] else { return nil }
                let variant = targets.variant(sink: target.sink, route: target.route, wanted: target.variant)
                return (SinkIndex(sink), variant, target.route)
            }
        }
        for state in stored.states {
            if let route = known[state.place.route], self.flows[route] != nil {
                self.flows[route]?.restore(state, parser, now: now)
                continue
            }
            self.note(.state(state.place, nil))
            guard state.place.tool == "digest", let group = DigestGroup(text: state.text, parser) else { continue }
            let name = group.targets.first.map { StoredRoute(text: $0.route).name } ?? state.place.route
            let event = group.event(events, route: name, key: state.place.key, title: nil, now: now)
            self.orphans.append(Orphan(event: event, targets: places(group.targets), route: name))
        }
        for held in stored.held {
            let found = places(held.targets)
            if let route = known[held.route], let targets = self.targets[route] {
                let own = targets.filter { target in found.contains { $0.sink == target.sink && $0.variant == target.variant } }
                if own.count == held.targets.count {
                    let key = held.targets.lazy.compactMap(\.key).first
                    self.flows[route]?.restore(held, own, key: key, parser, now: now)
                    continue
                }
            }
            self.note(.release(route: held.route, id: held.id))
            let name = held.targets.first.map { StoredRoute(text: $0.route).name } ?? held.route
            self.orphans.append(Orphan(event: held.event, targets: found, route: name))
        }
    }
}

/// What the tools of one route have done, and how much they keep.
struct FlowReport: Sendable {
    let route: RouteIndex
    let notes: [FlowNote]
    /// Events that are kept until they pass; a digest counts as one.
    let held: Int
    /// Keys of `expect:` that are missing.
    let missing: Int
}
