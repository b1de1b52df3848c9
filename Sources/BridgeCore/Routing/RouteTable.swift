/// Which sinks an event goes to.
///
/// Immutable; consulted by every source on its own thread.
package final class RouteTable: Sendable {
    package let routes: [Route]

    /// - Parameter limits: for events that `set:` makes.
    package init(routes: [Route], limits: EventLimits = EventLimits()) {
        fatalError()
    }

    /// Finds where an event goes.
    ///
    /// A gap event goes to every target of every route that takes from its source, whatever the route filters by, unshaped and at
    /// most once per target.
    ///
    /// - Parameters:
    ///   - event: loaded into `reader` by this function only when a route needs to look inside.
    ///   - reader: the caller's own.
    ///   - failures: gets the route's index and the error of each expression that failed; the route then does not match.
    package func routing(
        of event: Event, reader: EventReader, now: Timestamp, failures: (Int, ExpressionError) -> Void
    ) -> Routing {
        fatalError()
    }
}

/// Where one event goes.
package struct Routing: Sendable {
    /// Shared between all events that go the same way; empty when no route took the event.
    package let plan: RoutePlan
    /// The changed copies that ``RoutePlan/Entry/shape`` points at; empty for most.
    package let shaped: [Event]
}

/// A list of deliveries that many events share.
package final class RoutePlan: Sendable {
    package let entries: [Entry]

    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// One delivery.
    package struct Entry: Sendable, Hashable {
        package let sink: Int
        package let variant: Int
        /// The route's place in ``RouteTable/routes``.
        package let route: Int
        /// Which of ``Routing/shaped`` goes, or -1 for the event as it is.
        package let shape: Int
    }
}
