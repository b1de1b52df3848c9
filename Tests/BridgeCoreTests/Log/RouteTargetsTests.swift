import NIOCore
import Testing

@testable import BridgeCore

/// What is owed by routes of an earlier file, with the settings that they had chosen.
struct RouteTargetsTests {
    /// - Parameter targets: sink, number of the settings, hash of what the `with:` says.
    private static func route(_ name: String, _ fingerprint: UInt64? = nil, _ targets: (Int, Int, UInt64)...) -> Route {
        Route(
            name: name, fingerprint: fingerprint,
            targets: targets.map { Route.Target(sink: SinkIndex($0.0), variant: $0.1, settings: $0.2) })
    }

    private static let sinks = ["a", "b"]

    /// What is stored of the first delivery of each route.
    private static func stored(_ routes: [Route]) -> [String] {
        routes.enumerated().map { index, route in
            let target = route.targets[0]
            let plan = RoutePlan(entries: [.init(sink: target.sink, variant: target.variant, route: RouteIndex(index), shape: -1)]
            )
            let record = LogRecord(event: .made("e"), routing: Routing(plan: plan, shaped: []), accepted: .now)
            var targets = PlanTargets(routes: routes, sinks: Self.sinks)
            return targets.stored([(Position(1), record)])[0].targets[0].route
        }
    }

    private static func found(_ stored: [String], _ routes: [Route], wanted: [Int]? = nil) -> [Int] {
        let targets = RouteTargets(routes: routes, sinks: Self.sinks)
        return stored.enumerated().map { targets.variant(sink: "a", route: $1, wanted: wanted?[$0] ?? 0) }
    }

    @Test func `a name alone is stored as it is, and more only where more is needed`() {
        let stored = Self.stored([
            Self.route("plain", nil, (0, 0, 0)), Self.route("with", nil, (0, 1, 10)), Self.route("route-3", 7, (0, 0, 0)),
            Self.route("route-4", 8, (0, 2, 11)),
        ])
        #expect(
            stored == [
                "plain", "with@000000000000000a", "route-3#0000000000000007", "route-4#0000000000000008@000000000000000b",
            ])
        #expect(stored.map { StoredRoute(text: $0).name } == ["plain", "with", "route-3", "route-4"])
        #expect(stored.map { StoredRoute(text: $0).text } == stored)
        for text in ["a@0", "a#000000000000000g", "#0000000000000007", "ab@000000000000000A", ""] {
            #expect(StoredRoute(text: text).name == text)
        }
    }

    @Test func `routes without names that have changed places keep their settings`() {
        let stored = Self.stored([Self.route("route-1", 7, (0, 1, 10)), Self.route("route-2", 8, (0, 2, 11))])
        let swapped = [Self.route("route-1", 8, (0, 1, 11)), Self.route("route-2", 7, (0, 2, 10))]
        #expect(Self.found(stored, swapped, wanted: [1, 2]) == [2, 1])
    }

    @Test func `settings that were corrected go on with their route`() {
        let stored = Self.stored([Self.route("route-1", 7, (0, 1, 10)), Self.route("route-2", 8, (0, 2, 11))])
        let corrected = [
            Self.route("route-1", 9, (0, 1, 12)), Self.route("route-2", 8, (0, 2, 11)), Self.route("route-3", 7, (0, 3, 13)),
        ]
        #expect(Self.found(stored, corrected, wanted: [1, 2]) == [3, 2])
    }

    @Test func `a route that selects otherwise, or has a name now, keeps its settings`() {
        let stored = Self.stored([Self.route("route-1", 7, (0, 1, 10)), Self.route("route-2", 8, (0, 2, 11))])
        let changed = [Self.route("first", nil, (0, 1, 11)), Self.route("route-2", 9, (0, 2, 10))]
        #expect(Self.found(stored, changed, wanted: [1, 2]) == [2, 1])
    }

    @Test func `what a route that is gone has left goes with the sink's own settings`() {
        let stored = Self.stored([Self.route("route-1", 7, (0, 1, 10)), Self.route("named", nil, (0, 2, 11))])
        #expect(Self.found(stored, [Self.route("route-1", 8, (0, 1, 12))], wanted: [1, 2]) == [0, 0])
        #expect(Self.found(stored, [Self.route("route-1", 7, (1, 1, 10))], wanted: [1, 2]) == [0, 0], "to another sink")
    }

    @Test func `a route with a name is known by it, whatever it has now`() {
        let stored = Self.stored([Self.route("named", nil, (0, 1, 10))])
        let changed = [Self.route("other", nil, (0, 1, 10)), Self.route("named", nil, (0, 2, 11))]
        #expect(Self.found(stored, changed, wanted: [1]) == [2])
        let twice = [Self.route("more", nil, (0, 1, 12)), Self.route("named", nil, (0, 2, 11), (0, 3, 10))]
        #expect(Self.found(stored, twice, wanted: [1]) == [3], "settings that it still has, at another place")
    }

    @Test func `what an older program has stored is known by name and place`() {
        let routes = [Self.route("route-1", 7, (0, 1, 10), (0, 2, 11)), Self.route("named", nil, (0, 0, 0))]
        #expect(Self.found(["route-1", "route-1", "named", "gone"], routes, wanted: [2, 5, 3, 3]) == [2, 1, 0, 0])
    }

    @Test func `a letter names its route as its event does, also one that is given up again`() {
        let routes = [Self.route("route-1", 7, (0, 1, 10))]
        var targets = PlanTargets(routes: routes, sinks: Self.sinks)
        func kept(_ route: String, variant: Int) -> String? {
            let letter = StoredDeadLetter(
                id: 1, time: .now(), sink: "a", route: route, reason: "r", attempts: 1, target: nil, event: .made("e"),
                position: Position(1), variant: variant
            )
            guard case .keep(let stored) = targets.stored(.keep(letter)) else { return nil }
            return stored.route
        }
        #expect(kept("route-1", variant: 1) == "route-1#0000000000000007@000000000000000a")
        #expect(kept("route-9#0000000000000001", variant: 0) == "route-9#0000000000000001")
        #expect(kept("", variant: 0)?.isEmpty == true)
        let letter = DeadLetter(reason: "r", sink: "a", route: "route-1#0000000000000007", attempts: 1)
        let payload = letter.event(of: .made("e")).payload.map { String(buffer: $0) }
        #expect(payload?.contains(#""route":"route-1","#) == true, "people see the name")
    }
}
