/// A list of deliveries that many events share.
package final class RoutePlan: Sendable {
    package let entries: [Entry]

    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// No delivery at all.
    static let nowhere = RoutePlan(entries: [])

    /// One delivery.
    package struct Entry: Sendable, Hashable {
        package let sink: SinkIndex
        package let variant: Int
        /// The route's place in ``RouteTable/routes``.
        package let route: RouteIndex
        /// Which of ``Routing/shaped`` goes, or -1 for the event as it is.
        package let shape: Int
    }
}
