/// A list of deliveries that many events share.
package final class RoutePlan: Sendable {
    /// The deliveries, in the order of the routes.
    package let entries: [Entry]
    /// The dead letter that the event is; `nil` for ordinary events.
    let letter: Letter?
    /// What the indices of the entries mean; `nil` for those of the current table.
    let names: RouteNames?

    /// Makes the plan of an event that routes have chosen.
    ///
    /// - Parameter names: those of the routes' table.
    package init(entries: [Entry], names: RouteNames? = nil) {
        self.entries = entries
        self.letter = nil
        self.names = names
    }

    /// Makes the plan of a dead letter.
    ///
    /// - Parameters:
    ///   - sink: the dead-letter sink, or the sink that abandoned the event and gets it again.
    ///   - variant: see ``Entry/variant``.
    ///   - names: the current ones.
    init(_ letter: Letter, to sink: SinkIndex, variant: Int = 0, names: RouteNames? = nil) {
        self.entries = [Entry(sink: sink, variant: variant, route: 0, shape: -1)]
        self.letter = letter
        self.names = names
    }

    /// Without any delivery.
    static let nowhere = RoutePlan(entries: [])
    /// Without any delivery, because all routes that matched are switched off; recognised by identity.
    static let switchedOff = RoutePlan(entries: [])

    /// Without any delivery, because the tools of all routes took or dropped the event.
    static let taken = RoutePlan(entries: [])

    /// A dead letter as a record of the log.
    struct Letter: Sendable {
        /// See ``StoredDeadLetter/id``; `nil` when no log on disk keeps it.
        let id: Int64?
        /// The value of ``Delivery/route``: empty, or the route of a replayed event.
        let route: String
    }

    /// One delivery.
    package struct Entry: Sendable, Hashable {
        /// The sink that receives the event.
        package let sink: SinkIndex
        /// Which of the sink's settings apply; see ``Delivery/variant``.
        package let variant: Int
        /// The route's index in ``RouteTable/routes``.
        package let route: RouteIndex
        /// The index into ``Routing/shaped``, or -1 for the unchanged event.
        package let shape: Int
    }
}
