import Logging

/// Counts and logs what the tools of routes do.
///
/// Called once per batch and never under the log's lock. Thread-safe.
final class FlowMetrics: Sendable {
    private let routes: [RouteIndex: Figures]

    private struct Figures: Sendable {
        let name: String
        let dropped: [FlowReason: Counter]
        let joined: Counter?
        let held: Gauge?
        let missing: Gauge?
        let full: BurstLog
    }

    /// - Parameter routes: in the order of the file; those without tools have no metrics.
    init(routes: [Route], metrics: Metrics, logger: Logger) {
        var figures: [RouteIndex: Figures] = [:]
        for (index, route) in routes.enumerated() {
            guard let tools = route.tools else { continue }
            let label: Metrics.Label = ("route", route.name)
            func counter(_ name: String, _ help: String, _ labels: [Metrics.Label] = []) -> Counter {
                metrics.counter("streambridge_route_\(name)_total", help: help, labels: [label] + labels)
            }
            figures[RouteIndex(index)] = Figures(
                name: route.name,
                dropped: Dictionary(
                    uniqueKeysWithValues: FlowReason.allCases.filter(tools.drops).map { reason in
                        (
                            reason,
                            counter(
                                "events_dropped", "Events that a tool of a route dropped, by the tool.",
                                [("reason", reason.rawValue)])
                        )
                    }),
                joined: tools.digests ? counter("events_digested", "Events that became part of a digest.") : nil,
                held: tools.holding.isEmpty
                    ? nil
                    : metrics.gauge(
                        "streambridge_route_held", help: "Events that a route keeps until they pass; a digest counts as one.",
                        labels: [label]),
                missing: tools.expect == nil
                    ? nil
                    : metrics.gauge(
                        "streambridge_route_missing", help: "Keys of expect without an event for too long.", labels: [label]),
                full: BurstLog(
                    "Limit of a route's tool reached",
                    counter: counter(
                        "limits_reached",
                        "Keys that a tool of a route forgot, or events that passed early, because of its limits."),
                    logger: logger)
            )
        }
        self.routes = figures
    }

    func count(_ reports: [FlowReport]) {
        for report in reports {
            guard let figures = self.routes[report.route] else { continue }
            figures.held?.set(report.held)
            figures.missing?.set(report.missing)
            for note in report.notes {
                switch note {
                case .dropped(let reason): figures.dropped[reason]?.increment()
                case .joined: figures.joined?.increment()
                case .full(let tool): figures.full.note(["route": "\(figures.name)", "tool": "\(tool)"])
                }
            }
        }
    }
}

extension RouteTools {
    /// Whether events can become part of a digest.
    fileprivate var digests: Bool { self.digest != nil || self.quietHours?.action == .digest }

    /// Whether one of the tools drops events for this reason.
    fileprivate func drops(_ reason: FlowReason) -> Bool {
        switch reason {
        case .throttle: self.throttle != nil
        case .changed: self.changed != nil
        case .sample: self.sample != nil
        case .quietHours: self.quietHours?.action == .drop
        }
    }
}
