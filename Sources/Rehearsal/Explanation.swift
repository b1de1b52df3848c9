package import BridgeConfiguration
package import BridgeCore

/// What becomes of one message, step by step.
///
/// Not thread-safe.
package struct Explanation {
    /// One item of the message with what the source's `normalise` says.
    package let parts: [PartExplanation]
    /// What the adapter does or leaves out.
    package let notes: [String]
    /// The name of the source; `nil` when the file no longer has it.
    package let source: String?
    /// Each event with the decisions of all routes.
    package let events: [(event: RehearsedEvent, decisions: [RouteDecision])]
    /// What the sinks send, now and later.
    package let deliveries: [RehearsedDelivery]
    /// The time at which the message arrives.
    package let time: Timestamp
    /// What the program would log.
    package let log: [String]

    /// How far ahead the tools of routes are followed: what they keep passes within this time.
    private static let horizon = Duration.seconds(48 * 3600)

    /// Explains a message.
    ///
    /// - Throws: ``SampleRefusal`` for a message that does not arrive, and what the source throws.
    package init(_ message: TestMessage, at time: Timestamp, in rehearsal: PlanRehearsal) throws {
        let source = rehearsal.plan.sources[message.source.rawValue]
        guard let reading = try rehearsal.reading(of: message.source) else {
            throw SampleRefusal("a source of the type \(source.registration.kind) has no messages that can be explained")
        }
        let run = rehearsal.begin(at: time)
        let reception = try reading.receive(message.sample, message.body)
        self.notes = reception.notes
        self.source = source.name
        self.parts = reception.messages.flatMap { run.explanation(of: $0, from: message.source) }
        self.time = time
        // What normalise reports has been found above.
        _ = rehearsal.notes.take()
        let step = run.receive(reception.messages, from: message.source)
        self.events = step.events.map { ($0, run.decisions(for: $0.event)) }
        self.deliveries = Self.all(step, run, from: time)
        self.log = rehearsal.notes.take()
    }

    /// Explains where an event goes that a source has accepted before.
    package init(_ event: Event, at time: Timestamp, in rehearsal: PlanRehearsal) {
        let run = rehearsal.begin(at: time)
        let source = rehearsal.plan.sources.firstIndex { $0.name == event.source }
        self.parts = []
        self.notes = []
        self.source = source.map { rehearsal.plan.sources[$0].name }
        self.time = time
        let step = run.route(event, from: source.map { SourceIndex($0) })
        self.events = step.events.map { ($0, run.decisions(for: $0.event)) }
        self.deliveries = Self.all(step, run, from: time)
        self.log = rehearsal.notes.take()
    }

    /// The deliveries of a step, and those of what its tools keep.
    private static func all(_ step: RehearsedStep, _ run: Rehearsal, from time: Timestamp) -> [RehearsedDelivery] {
        guard step.events.contains(where: { event in event.tools.values.contains { $0 == .isHeld || $0 == .joined } }) else {
            return step.deliveries
        }
        let end = Timestamp(milliseconds: time.milliseconds + self.horizon.milliseconds)
        return step.deliveries + run.advance(to: end).deliveries
    }
}
