/// What one step of a rehearsal has done.
package struct RehearsedStep {
    /// The events that the messages became, without those that are ignored.
    package internal(set) var events: [RehearsedEvent] = []
    /// What the sinks got, in order.
    package internal(set) var deliveries: [RehearsedDelivery] = []
    /// How many deliveries `dedupe` has dropped as duplicates, by sink.
    package internal(set) var duplicates: [(sink: SinkIndex, count: Int)] = []
}

/// One event of a rehearsal.
package struct RehearsedEvent {
    /// The event, before the routes change it.
    package let event: Event
    /// The routes that take it, in the order of the file.
    package internal(set) var routes: [RouteIndex]
    /// What the tools of these routes have decided, unless it passes.
    package internal(set) var tools: [RouteIndex: ToolOutcome] = [:]
    /// Whether no route takes it.
    package internal(set) var isUnrouted = false
}

/// What the tools of a route do with an event that does not pass at once.
package enum ToolOutcome: Sendable, Equatable {
    /// A tool drops it: its key in the file.
    case dropped(by: String)
    /// It is kept until its time.
    case isHeld
    /// It becomes part of what the tool makes later, or is only noticed.
    case joined

    /// `nil` for an event that passes.
    init?(_ report: FlowReport, heldBefore: Int) {
        for note in report.notes.reversed() {
            switch note {
            case .dropped(let reason):
                // The event before it is dropped, where it replaces that one.
                self = reason == .sample && report.held > 0 && report.held == heldBefore ? .isHeld : .dropped(by: reason.rawValue)
                return
            case .joined:
                self = .joined
                return
            case .full: continue
            }
        }
        guard report.held > heldBefore else { return nil }
        self = .isHeld
    }
}

/// One delivery of a rehearsal.
package struct RehearsedDelivery {
    /// How it ends.
    package enum Outcome {
        /// It is sent: what goes out, or `nil` for a kind of sink that cannot show it without a connection.
        case sent(SentMessage?)
        /// The sink refuses it, and it becomes a dead letter where the file has a sink for these.
        case refused(String)
    }

    /// When.
    package let time: Timestamp
    /// The sink.
    package let sink: SinkIndex
    /// The route that chose the sink; empty for dead letters.
    package let route: String
    /// The event, as the route has shaped it.
    package let event: Event
    /// How it ends.
    package let outcome: Outcome

    /// Whether the sink has got nothing, because it refuses the event.
    package var isRefused: Bool {
        if case .refused = self.outcome { true } else { false }
    }
}
