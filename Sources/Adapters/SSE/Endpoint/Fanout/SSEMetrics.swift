package import BridgeCore
package import Logging

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
    private let filterErrors: Counter
    private let filterLog: BurstLog?

    /// - Parameter logger: hears of filters that fail.
    package init(_ metrics: ComponentMetrics, logger: Logger? = nil) {
        self.filterErrors = metrics.counter(
            "sse_filter_errors", help: "Evaluations of a client's 'when' that failed; the client then missed the event.")
        self.filterLog = logger.map { BurstLog("Expression of a client failed", logger: $0) }
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

    /// Counts an evaluation of a client's condition that failed.
    func filterFailed(_ event: Event, _ error: ExpressionError) {
        self.filterErrors.increment()
        self.filterLog?.note(["event": "\(event.id)", "error": "\(error.message)"])
    }

    func closed(_ end: End) -> Counter {
        guard let index = End.allCases.firstIndex(of: end) else { preconditionFailure("\(end) is a case") }
        return self.closed[index]
    }
}
