package import BridgeCore

/// The figures of one stream.
package struct SSEMetrics: Sendable {
    /// Why a subscriber's connection ended.
    package enum End: String, Sendable, CaseIterable {
        /// The client went away.
        case client
        /// It fell further behind than it may.
        case slow
        /// It took nothing for too long.
        case stalled
        /// The stream ended.
        case stopped
        /// The connection failed.
        case failed
        /// What allowed it to listen is over.
        case expired
        /// It lasted as long as it may.
        case aged
        /// Somebody who looks after the server ended it.
        case removed
    }

    let subscribers: Gauge
    let opened: Counter
    let delivered: Counter
    let gaps: Counter
    let conflated: Counter
    let shed: Counter
    private let closed: [Counter]

    package init(_ metrics: ComponentMetrics) {
        self.subscribers = metrics.gauge("sse_subscribers", help: "Subscribers now.")
        self.opened = metrics.counter("sse_connections_opened", help: "Subscribers that came.")
        self.delivered = metrics.counter("sse_deliveries", help: "Events written to subscribers.")
        self.gaps = metrics.counter("sse_gaps", help: "Subscribers that were told of events they can no longer have.")
        self.conflated = metrics.counter(
            "sse_conflated", help: "Events that a slow subscriber was spared for a later one of their key.")
        self.shed = metrics.counter("sse_shed", help: "Requests that were sent away because there were too many.")
        self.closed = End.allCases.map {
            metrics.counter("sse_connections_closed", help: "Subscribers that went, by reason.", [("reason", $0.rawValue)])
        }
    }

    func closed(_ end: End) -> Counter {
        guard let index = End.allCases.firstIndex(of: end) else { preconditionFailure("\(end) is a case") }
        return self.closed[index]
    }
}
