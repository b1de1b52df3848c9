import Synchronization

/// The routes that match a source and subject, in the order of the file, with the resulting plans.
///
/// Thread-safe.
final class Candidates: Sendable {
    /// How many plans are cached before all are dropped.
    private static let capacity = 1024

    /// Indices into ``RouteTable/routes``, without those after a route that always stops.
    let items: [Int]
    /// The plan, when no route needs the event's content.
    let plan: RoutePlan?
    private let routes: [Route]
    private let names: RouteNames?
    private let plans = Mutex<[MatchSet: RoutePlan]>([:])

    init(_ indexes: [Int], routes: [Route], names: RouteNames? = nil) {
        var items: [Int] = []
        var isConditional = false
        for index in indexes {
            items.append(index)
            let route = routes[index]
            if route.looksInside {
                isConditional = true
            } else if route.stop {
                break
            }
        }
        self.items = items
        self.routes = routes
        self.names = names
        self.plan = isConditional ? nil : Self.makePlan(items, routes, names)
    }

    /// The plan for the matching items; the same object for the same items.
    func plan(for matches: MatchSet) -> RoutePlan {
        if let known = self.plans.withLock({ $0[matches] }) { return known }
        let items = self.items.enumerated().filter { matches.contains($0.offset) }.map(\.element)
        let plan = Self.makePlan(items, self.routes, self.names)
        return self.plans.withLock { plans in
            if let known = plans[matches] { return known }
            if plans.count >= Self.capacity { plans.removeAll() }
            plans[matches] = plan
            return plan
        }
    }

    private static func makePlan(_ items: [Int], _ routes: [Route], _ names: RouteNames?) -> RoutePlan {
        var entries: [RoutePlan.Entry] = []
        var shapes = 0
        for item in items {
            let route = routes[item]
            let shape = route.shaping == nil ? -1 : shapes
            if route.shaping != nil { shapes += 1 }
            for target in route.targets {
                entries.append(RoutePlan.Entry(sink: target.sink, variant: target.variant, route: RouteIndex(item), shape: shape))
            }
        }
        return entries.isEmpty ? .nowhere : RoutePlan(entries: entries, names: names)
    }
}

extension Route {
    /// Whether the decision needs more than the source and the subject, or a route reads the event's content.
    fileprivate var looksInside: Bool {
        self.match?.residual != nil || self.when != nil || self.shaping != nil || self.dedupe != nil || self.tools != nil
    }
}

/// Which of some candidates matched an event.
///
/// Up to 64 candidates need no heap memory.
struct MatchSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: [UInt64]

    init(count: Int) {
        self.high = count <= 64 ? [] : [UInt64](repeating: 0, count: (count - 1) / 64)
    }

    mutating func insert(_ place: Int) {
        if place < 64 {
            self.low |= 1 << UInt64(place)
        } else {
            self.high[place / 64 - 1] |= 1 << UInt64(place % 64)
        }
    }

    func contains(_ place: Int) -> Bool {
        let word = place < 64 ? self.low : self.high[place / 64 - 1]
        return word & (1 << UInt64(place % 64)) != 0
    }
}

/// Makes ``Candidates`` and shares them between subjects with the same routes.
///
/// Thread-safe.
final class CandidateStore: Sendable {
    /// How many are cached before all are dropped.
    private static let capacity = 16_384

    private let routes: [Route]
    private let names: RouteNames?
    private let known = Mutex<[[Int]: Candidates]>([:])

    init(routes: [Route], names: RouteNames? = nil) {
        self.routes = routes
        self.names = names
    }

    /// - Parameter indexes: indices into ``RouteTable/routes``, unordered, possibly repeated.
    func candidates(_ indexes: [Int]) -> Candidates {
        var sorted = indexes.sorted()
        var kept = 0
        for index in sorted where kept == 0 || sorted[kept - 1] != index {
            sorted[kept] = index
            kept += 1
        }
        sorted.removeLast(sorted.count - kept)
        return self.known.withLock { known in
            if let candidates = known[sorted] { return candidates }
            if known.count >= Self.capacity { known.removeAll() }
            let candidates = Candidates(sorted, routes: self.routes, names: self.names)
            known[sorted] = candidates
            return candidates
        }
    }
}
