/// One event on its way through the tools of one route.
struct FlowItem: Sendable {
    /// The event, as the route has shaped it.
    var event: Event
    var reading: ToolReading
    /// The sinks of the route that it goes to.
    var targets: [Route.Target]
    /// The key of the route's `dedupe:`.
    var key: DedupeKey?
}

/// An event that a tool keeps until a time.
struct HeldItem: Sendable {
    /// Increases within the route.
    let id: Int64
    let due: Timestamp
    let item: FlowItem
}

/// What the tools of a route decide about an event.
enum FlowVerdict: Sendable {
    /// It goes on to the sinks; changed, if there is an event.
    case passes(Event?)
    /// It does not; the tool counts it.
    case dropped(FlowReason)
    /// It is kept and goes on later.
    case held
    /// It has become part of what the tool passes on later.
    case joined
}

/// Which tool dropped an event; the `reason` label of the counter.
enum FlowReason: String, Sendable, CaseIterable {
    case throttle, changed, sample, quietHours = "quiet_hours"
}

/// What the tools of a route have done, for the metrics.
enum FlowNote: Sendable, Equatable {
    case dropped(FlowReason)
    /// An event has become part of a digest.
    case joined
    /// A bound was reached: a key was forgotten or not remembered, or a held event passed early.
    case full(tool: String)
}

/// An event that passes on from a tool on its own, without a message of its source at that moment.
struct ReleasedEvent: Sendable {
    let event: Event
    let targets: [Route.Target]
    let key: DedupeKey?
}
