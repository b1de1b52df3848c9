/// The place of one piece of state of a tool in a log on disk.
package struct FlowStateKey: Hashable, Sendable {
    /// See ``Route/identity``.
    package var route: String
    /// The key of the file, such as `throttle`.
    package var tool: String
    /// The rendered key; empty for one that all events share.
    package var key: String

    /// Makes the place of a piece of state.
    package init(route: String, tool: String, key: String) {
        self.route = route
        self.tool = tool
        self.key = key
    }

    /// Compares the bytes of the texts.
    package static func == (lhs: Self, rhs: Self) -> Bool {
        ExactText(lhs.key) == ExactText(rhs.key) && lhs.tool == rhs.tool && ExactText(lhs.route) == ExactText(rhs.route)
    }

    /// Hashes the bytes of the texts.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(self.route))
        hasher.combine(self.tool)
        hasher.combine(ExactText(self.key))
    }
}

/// A piece of state of a tool, as a log on disk keeps it.
package struct StoredFlowState: Sendable, Equatable {
    /// Its place.
    package var place: FlowStateKey
    /// The state, in the form of its tool.
    package var text: String

    /// Makes a piece of state.
    package init(place: FlowStateKey, text: String) {
        self.place = place
        self.text = text
    }
}

/// An event that a tool holds, as a log on disk keeps it.
package struct StoredHeldEvent: Sendable {
    /// Increases within the route.
    package var id: Int64
    /// See ``Route/identity``.
    package var route: String
    /// The key of the file: `quiet_hours` or `sample`.
    package var tool: String
    /// The rendered key of the tool.
    package var key: String
    /// When it passes on.
    package var due: Timestamp
    /// The event, as the route has shaped it.
    package var event: Event
    /// Where it goes then; without copies.
    package var targets: [StoredEvent.Target]
    /// What later tools need to know, as a JSON array.
    package var reading: String

    /// Makes a held event.
    package init(
        id: Int64, route: String, tool: String, key: String, due: Timestamp, event: Event, targets: [StoredEvent.Target],
        reading: String
    ) {
        self.id = id
        self.route = route
        self.tool = tool
        self.key = key
        self.due = due
        self.event = event
        self.targets = targets
        self.reading = reading
    }
}

/// A change to what the tools of routes keep, written with the events that caused it.
package enum FlowChange: Sendable {
    /// A new state; `nil` removes it.
    case state(FlowStateKey, String?)
    /// An event is held.
    case hold(StoredHeldEvent)
    /// A held event has passed on, or was superseded.
    case release(route: String, id: Int64)
    /// The repeat key of an event that a tool took, which is not among the events.
    case repeatKey(position: Position, source: String, key: UInt64)
}

/// What the tools of routes have kept in a log on disk.
package struct StoredFlow: Sendable {
    /// In the order of their last changes.
    package var states: [StoredFlowState] = []
    /// In the order of route and id.
    package var held: [StoredHeldEvent] = []
    /// How many held events cannot be read; they stay in the log.
    package var unreadable = 0
    /// The highest id of any held event.
    package var lastID: Int64 = 0

    /// Makes storage without anything.
    package init() {}
}
