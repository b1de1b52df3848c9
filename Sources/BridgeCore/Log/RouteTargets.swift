/// Finds the settings of a sink that a route of an earlier file had, by names.
package struct RouteTargets: Sendable {
    private let variants: [String: [Int]]

    /// - Parameter sinks: the names of the sinks, by their places.
    package init(routes: [Route], sinks: [String]) {
        var variants: [String: [Int]] = [:]
        for route in routes {
            for target in route.targets where sinks.indices.contains(target.sink) {
                variants[Self.key(sinks[target.sink], route.name), default: []].append(target.variant)
            }
        }
        self.variants = variants
    }

    /// - Parameter wanted: what it was when the event was routed.
    /// - Returns: the same when the route still has it, else what the route has now; 0 for a route that is gone.
    package func variant(sink: String, route: String, wanted: Int? = nil) -> Int {
        guard let found = self.variants[Self.key(sink, route)], let first = found.first else { return 0 }
        return wanted.map { found.contains($0) ? $0 : first } ?? first
    }

    private static func key(_ sink: String, _ route: String) -> String { "\(sink)\u{0}\(route)" }
}
