/// The names behind the indices of a ``RoutePlan``: those of the table that made it.
///
/// A reload replaces the table, and records of before it keep their plans. Immutable.
package final class RouteNames: Sendable {
    /// The routes of the table.
    let routes: [Route]
    /// The names of the sinks by index; empty for an index that no sink has, or where they are unknown.
    let sinks: [String]

    init(routes: [Route], sinks: [String]) {
        self.routes = routes
        self.sinks = sinks
    }

    /// The name of a route.
    subscript(route: RouteIndex) -> String { self.routes[route.rawValue].name }
}
