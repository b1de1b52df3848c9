import Synchronization

/// Which routes an operator has switched off, and how many events they have not delivered meanwhile.
///
/// A route that is off still matches: it counts the event, its `stop` holds, and its sinks get nothing. Gap events pass.
/// Thread-safe; while every route is on, an event costs one atomic load.
package final class RouteSwitches: Sendable {
    private let off = Mutex<Set<RouteIndex>>([])
    private let isAnyOff = Atomic(false)
    private let skipped = Mutex(Skipped())

    private struct Skipped {
        var counters: [RouteIndex: Counter] = [:]
        var make: (@Sendable (RouteIndex) -> Counter)?

        /// The counter of a route, made when it is first needed: most programs never need any.
        mutating func increment(_ route: RouteIndex) {
            guard let counter = self.counters[route] ?? self.make?(route) else { return }
            self.counters[route] = counter
            counter.increment()
        }
    }

    /// Makes switches that are all on.
    package init() {}

    /// Makes the switches of other routes: those that these have too are off as they were.
    ///
    /// - Parameters:
    ///   - old: the identities of the routes of `switches`, by index.
    ///   - new: those of the other routes.
    package init(following switches: RouteSwitches, _ old: [String], _ new: [String]) {
        let off = Set(switches.switchedOff.map { old[$0.rawValue] })
        for (index, identity) in new.enumerated() where off.contains(identity) { self.set(RouteIndex(index), on: false) }
    }

    /// The routes that are off.
    package var switchedOff: Set<RouteIndex> { self.off.withLock { $0 } }

    /// Switches a route on or off, for events that are routed from now on.
    ///
    /// - Returns: whether that changed anything.
    @discardableResult
    package func set(_ route: RouteIndex, on isOn: Bool) -> Bool {
        self.off.withLock { off in
            let isChanged = isOn ? off.remove(route) != nil : off.insert(route).inserted
            self.isAnyOff.store(!off.isEmpty, ordering: .relaxed)
            return isChanged
        }
    }

    /// Counts what routes that are off do not deliver, in a counter for each.
    func count(in make: @escaping @Sendable (RouteIndex) -> Counter) {
        self.skipped.withLock { $0 = Skipped(make: make) }
    }

    /// The routing without the deliveries of routes that are off.
    ///
    /// - Parameter routes: by index, to recognise the routes whose expressions failed.
    func applied(to routing: Routing, of event: Event, _ routes: [Route]) -> Routing {
        guard self.isAnyOff.load(ordering: .relaxed), event.kind == .message else { return routing }
        let off = self.switchedOff
        let entries = routing.plan.entries.filter { !off.contains($0.route) }
        let lost = routing.lost.filter { lost in !off.contains { routes[$0.rawValue].name == lost.letter.route } }
        guard entries.count < routing.plan.entries.count || lost.count < routing.lost.count else { return routing }
        let routesLeftOut = Set(routing.plan.entries.map(\.route)).intersection(off)
        self.skipped.withLock { skipped in for route in routesLeftOut { skipped.increment(route) } }
        let plan = entries.isEmpty ? RoutePlan.switchedOff : RoutePlan(entries: entries, names: routing.plan.names)
        return Routing(
            plan: plan, shaped: routing.shaped, keys: routing.keys.filter { !off.contains($0.key) }, lost: lost)
    }
}
