import Synchronization

/// Runs messages through the sources' reading, the routes, their tools and the sinks' rendering, without a network and a
/// log on disk, by a clock that only the caller moves.
///
/// Everything that decides is the code of the running program: ``SourceIntake``, ``RouteTable`` and ``DeliveryMachine``.
/// Sinks confirm each delivery at once. Not thread-safe; blocks while expressions are evaluated.
package final class Rehearsal {
    /// How often the tools of routes may act while the clock moves once.
    private static let mostRounds = 100_000
    /// How many deliveries one step may make: dead letters of dead letters end by themselves.
    private static let mostPolls = 10_000

    private let stage: RehearsalStage
    private let clock: Clock
    private let log: DeliveryLog
    private let loopDetector = LoopDetector()
    private var intakes: [SourceIndex: SourceIntake] = [:]
    private let reader: EventReader
    /// How much each route keeps.
    private var held: [RouteIndex: Int] = [:]

    /// The time that sources and tools read.
    private final class Clock: Sendable {
        private let time: Mutex<Timestamp>

        init(_ time: Timestamp) { self.time = Mutex(time) }

        var now: Timestamp {
            get { self.time.withLock { $0 } }
            set { self.time.withLock { $0 = newValue } }
        }
    }

    /// Begins a rehearsal in which nothing has happened yet.
    package init(_ stage: RehearsalStage, start: Timestamp) {
        let clock = Clock(start)
        self.stage = stage
        self.clock = clock
        self.reader = EventReader(clock: { clock.now })
        let flow = FlowMachine(
            routes: stage.table.routes, sinks: stage.sinks.map(\.name),
            events: FlowEvents(bridge: stage.bridge, limits: stage.table.limits), stored: nil, now: start)
        self.log = DeliveryLog(
            sources: stage.sources.map { ($0.name, $0.acknowledge) }, sinks: stage.sinks.map { ($0.name, $0.delivery) },
            unrouted: stage.unrouted, names: stage.table.names, limits: LogLimits(),
            metrics: stage.deliveryMetrics, loopDetector: self.loopDetector, flow: flow.map { ($0, stage.flowMetrics) },
            clock: WallClock(now: { clock.now }, wait: { _ in }))
    }

    /// The time of the rehearsal.
    package var now: Timestamp { self.clock.now }

    /// Moves the clock forward; what the tools of routes keep passes when it is due.
    ///
    /// - Parameter time: an earlier one changes nothing.
    package func advance(to time: Timestamp) -> RehearsedStep {
        var step = RehearsedStep()
        for _ in 0..<Self.mostRounds {
            guard let due = self.log.flowDue, due <= time else { break }
            self.clock.now = max(due, self.now)
            self.note(self.log.apply(.runTools(self.now)))
            self.deliver(&step)
        }
        self.clock.now = max(time, self.now)
        return step
    }

    /// Receives the messages of one request or packet, in order.
    package func receive(_ messages: [ReceivedMessage], from source: SourceIndex) -> RehearsedStep {
        var step = RehearsedStep()
        for record in self.intake(of: source).records(of: messages) { self.append(record, source, &step) }
        return step
    }

    /// Routes an event that a source has accepted before.
    ///
    /// - Parameter source: the source of the event; `nil` when the file no longer has it.
    package func route(_ event: Event, from source: SourceIndex?) -> RehearsedStep {
        var step = RehearsedStep()
        let routing = self.stage.table.routing(of: event, reader: self.reader, now: self.now) { _, _ in }
        self.append(LogRecord(event: event, routing: routing, accepted: .now), source ?? 0, &step)
        return step
    }

    /// How the `normalise` of a source reads a message.
    package func explanation(of message: ReceivedMessage, from source: SourceIndex) -> [PartExplanation] {
        let source = self.stage.sources[source.rawValue]
        return Normaliser(source: source.name, blocks: source.intake.normalise, bridge: source.intake.bridge)
            .explanation(of: message, now: self.now)
    }

    /// Why each route takes an event or does not, in the order of the file.
    package func decisions(for event: Event) -> [RouteDecision] {
        var failures: [(route: RouteIndex, error: ExpressionError)] = []
        let routing = self.stage.table.routing(of: event, reader: self.reader, now: self.now) { failures.append(($0, $1)) }
        return self.stage.table.decisions(for: event, routing, failures: failures, self.reader, now: self.now)
    }

    /// What an event has at a path.
    package func value(of event: Event, at path: EventPath) -> PlainValue {
        self.reader.load(event, now: self.now)
        return PlainValue(self.reader.value(at: path))
    }

    /// The first condition of a filter that does not hold for an event; `nil` when it matches.
    package func failure(of matcher: Matcher, for event: Event) -> FailedCondition? {
        self.reader.load(event, now: self.now)
        return matcher.failure(self.reader)
    }

    // MARK: One step

    private func intake(of source: SourceIndex) -> SourceIntake {
        if let intake = self.intakes[source] { return intake }
        let (parts, clock) = (self.stage.sources[source.rawValue], self.clock)
        let intake = SourceIntake(
            source: parts.name, settings: parts.intake, table: self.stage.table, loopDetector: self.loopDetector,
            metrics: parts.metrics, clock: { clock.now })
        self.intakes[source] = intake
        return intake
    }

    private func append(_ record: LogRecord, _ source: SourceIndex, _ step: inout RehearsedStep) {
        let entries = record.routing.plan.entries
        var event = RehearsedEvent(event: record.event, routes: [])
        for entry in entries where !event.routes.contains(entry.route) { event.routes.append(entry.route) }
        let held = self.held
        let effects = self.log.apply(.append([record], repeated: [], source, wakesWriter: false))
        self.note(effects)
        event.isUnrouted = effects.unrouted > 0
        for route in event.routes {
            guard let report = effects.tools.last(where: { $0.route == route }) else { continue }
            event.tools[route] = ToolOutcome(report, heldBefore: held[route] ?? 0)
        }
        step.events.append(event)
        self.deliver(&step)
    }

    private func note(_ effects: DeliveryMachine.Effects) {
        for report in effects.tools { self.held[report.route] = report.held }
    }

    /// Gives each sink what waits for it, until nothing does.
    private func deliver(_ step: inout RehearsedStep) {
        for _ in 0..<Self.mostPolls {
            var isIdle = true
            for (index, sink) in self.stage.sinks.enumerated() {
                let effects = self.log.apply(.poll(SinkIndex(index), atMost: 256))
                step.duplicates += effects.duplicates.map { ($0.sink, $0.count) }
                guard case .poll(.batch(let deliveries)) = effects.outcome else { continue }
                isIdle = false
                for delivery in deliveries {
                    step.deliveries.append(self.render(delivery, SinkIndex(index), sink))
                    if case .refused(let reason) = step.deliveries.last?.outcome {
                        self.log.apply(.refuse(SinkIndex(index), delivery, reason: SafeText.sentence(reason)))
                    } else {
                        self.log.apply(.confirm(SinkIndex(index), delivery))
                    }
                }
            }
            if isIdle { return }
        }
    }

    private func render(_ delivery: Delivery, _ index: SinkIndex, _ sink: RehearsalStage.Sink) -> RehearsedDelivery {
        let outcome: RehearsedDelivery.Outcome
        do {
            outcome = .sent(try sink.preview?.message(delivery, self.reader))
        } catch {
            outcome = .refused("\(error)")
        }
        return RehearsedDelivery(time: self.now, sink: index, route: delivery.route, event: delivery.event, outcome: outcome)
    }
}
