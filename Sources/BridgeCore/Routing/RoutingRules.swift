/// What decides where events go, as of the last reload.
struct RoutingRules: Sendable {
    let table: RouteTable
    let switches: RouteSwitches
    /// The entities that sinks announce, whose states are not events.
    let ownEntities: [OwnEntities]
}
