/// The delivery core: the log, the cursors of all sinks and the watermarks of all sources.
///
/// A value without a lock or I/O: ``apply(_:)`` takes a command and returns its effects, which ``DeliveryLog`` performs
/// outside its lock. A command marks the sinks that it touches; ``finishCommand(_:)`` then updates those sinks, once.
///
/// Invariants between two commands, checked by ``violation`` in debug builds:
///
/// 1. A delivery is in exactly one place: in the log at or after ``SinkCursor/next``, read back (`loaded`), waiting to
///    be offered again (`again`), in flight (`taken`), or held back for a key of `dedupe:` (`keys`).
/// 2. ``SinkCursor/pending`` counts these places, and ``SinkCursor/weight`` is their weight. ``weight`` and ``unread``
///    are the sums over all sinks.
/// 3. A floor is at most every position that is pending for its sink, and that of the original of each pending dead
///    letter. The safe position of a source with `ack: delivered` is below the floor of each sink with its pending
///    events, or was safe before.
/// 4. No watermark moves back. Committed is at most the head of the log, and no sink is given uncommitted events.
/// 5. What a sink has yet to read is in memory or on disk: an in-memory log holds everything from the first cursor on.
/// 6. A sink above its limits is full. A source is paused while the log or the disk is full, or while a full sink that
///    blocks has its pending events.
struct DeliveryMachine {
    /// One sink: its cursor, and what is derived from it at the end of each command.
    struct Sink {
        /// Empty for an index that no sink has.
        var name: String
        /// The sink for dead letters of this one.
        var deadLetterSink: SinkIndex?
        /// The sinks whose dead letters come here.
        var deadLetterSources: [SinkIndex]
        var cursor: SinkCursor
        /// Whether it is given nothing, because a reload ends it or starts it again.
        var isSuspended = false
        var touch: Touch = []
        /// The position of its cursor in the log; `nil` when it has nothing to read.
        var place: Position?
        /// Its share of ``DeliveryMachine/weight`` and ``DeliveryMachine/unread``.
        var counted = (weight: 0, unread: 0)
    }

    /// What a command has done to a sink.
    struct Touch: OptionSet {
        let rawValue: UInt8

        static let changed = Touch(rawValue: 1)
        /// It was given more: applies its overflow policy.
        static let grown = Touch(rawValue: 2)
        /// It may find more: wakes its waiter.
        static let offered = Touch(rawValue: 4)
        /// It may need a page from the disk.
        static let polled = Touch(rawValue: 8)
    }

    var log: MemoryLog
    var sinks: ComponentTable<SinkIndex, Sink>
    var watermarks: ComponentTable<SourceIndex, SourceWatermark>
    var debts: BacklogTable
    /// What to write to the disk; `nil` for an in-memory log.
    var disk: DiskState?
    /// The tools of routes; `nil` when no route has some.
    var flow: FlowMachine?
    /// The time of day for the tools.
    let clock: @Sendable () -> Timestamp
    /// Whether no source sends any more.
    var isFinished = false
    /// Whether every source pauses, because the log is full or its writes fail.
    var areSourcesPaused = false
    /// The weight of everything not yet confirmed.
    var weight = 0
    /// Deliveries that sinks have not read.
    var unread = 0

    /// The current names of routes and sinks.
    var names: RouteNames
    var sources: [String: SourceIndex]
    var sinkIndices: [String: SinkIndex]
    /// The sink for events that no route matches.
    var unrouted: SinkIndex?
    var limits: LogLimits
    /// Represents in ``debts`` the sources of what an earlier run left: every source waits for it.
    ///
    /// Behind all sources.
    var earlierRun: SourceIndex

    /// The sinks that the command has touched, in order.
    var touched: [SinkIndex] = []
    /// Those of them that were given more, in order.
    var grown: [SinkIndex] = []
    /// The sinks whose overflow policy found nothing to drop: their events are in flight or uncommitted.
    var overBounds: ComponentSet<SinkIndex>
    /// The sources that wait for the disk.
    var uncommitted: ComponentSet<SourceIndex>

    /// - Parameters:
    ///   - sources: the name of each source and how it acknowledges.
    ///   - sinks: the name and delivery settings of each sink; includes the dead-letter sinks they name.
    ///   - unrouted: the sink for events that no route matches.
    ///   - names: those of the routes and sinks.
    ///   - limits: above them every source pauses.
    ///   - contents: what an earlier run left on disk; `nil` for an in-memory log.
    ///   - flow: the tools of the routes.
    ///   - clock: the time of day.
    init(
        sources: [(name: String, acknowledge: AcknowledgePolicy)], sinks: [(name: String, settings: DeliverySettings)],
        unrouted: SinkIndex?, names: RouteNames, limits: LogLimits, contents: LogContents?,
        flow: FlowMachine? = nil, clock: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        let indices = Dictionary(
            sinks.enumerated().map { ($0.element.name, SinkIndex($0.offset)) }, uniquingKeysWith: { first, _ in first })
        self.log = MemoryLog(after: contents?.head ?? .start)
        self.sinks = ComponentTable(
            sinks.enumerated().map { place, sink in
                let index = SinkIndex(place)
                return Sink(
                    name: sink.name, deadLetterSink: nil, deadLetterSources: [],
                    cursor: SinkCursor(sink: index, settings: sink.settings, isOnDisk: contents != nil))
            })
        self.watermarks = ComponentTable(sources.map { SourceWatermark(acknowledge: $0.acknowledge) })
        self.sources = Dictionary(uniqueKeysWithValues: sources.enumerated().map { ($0.element.name, SourceIndex($0.offset)) })
        self.earlierRun = SourceIndex(sources.count)
        self.debts = BacklogTable(sources: sources.count + 1, sinks: sinks.count)
        self.disk = contents.map { DiskState($0, sinks: sinks.count) }
        self.overBounds = ComponentSet(count: sinks.count)
        self.uncommitted = ComponentSet(count: sources.count)
        self.names = names
        self.sinkIndices = indices
        self.unrouted = unrouted
        self.limits = limits
        self.flow = flow
        self.clock = clock
        self.connectDeadLetters()
        if let contents { self.resume(contents) }
    }

    /// Sinks may read up to here; later events are not durable yet.
    var visible: Position { self.disk?.committed ?? Position(.max) }

    /// Applies one command.
    mutating func apply(_ command: consuming Command) -> Effects {
        var effects = Effects()
        switch command {
        case .append(let records, let repeated, let source, let wakesWriter):
            self.append(records, repeated: repeated, source, wakesWriter: wakesWriter, &effects)
        case .keep(let event, let repeatKey, let reason, let attempts, let source):
            self.keep(event, repeatKey: repeatKey, reason: reason, attempts: attempts, source, &effects)
        case .stop(let source):
            self.watermarks[source].isStopping = true
            effects.changedSources.append(source)
        case .poll(let sink, let limit):
            self.poll(sink, atMost: limit, &effects)
        case .confirmThrough(let sink, let ticket):
            self.settle(self.sinks[sink].cursor.confirm(through: ticket), by: sink, &effects)
        case .confirm(let sink, let delivery):
            if self.sinks[sink].cursor.settle(delivery.ticket) { self.settle([delivery], by: sink, &effects) }
        case .refuse(let sink, let delivery, let reason):
            self.refuse(delivery, of: sink, .refused, reason: reason, &effects)
        case .postpone(let sink, let delivery, let reason):
            guard self.sinks[sink].cursor.fail(delivery.ticket) else { break }
            self.refuse(delivery, of: sink, .attempts, reason: reason, &effects)
        case .reclaim(let sink):
            self.sinks[sink].cursor.reclaim()
            self.touch(sink, .changed)
        case .number(let sink, let deliveries, let sequence, let snapshot):
            self.number(sink, deliveries, from: sequence, snapshot)
        case .suspend(let sink):
            self.sinks[sink].isSuspended = true
            self.touch(sink, .offered)
        case .reconfigure(let layout):
            effects.outcome = .dropped(self.reconfigure(layout, &effects))
        case .finish:
            self.flushTools(&effects)
            self.isFinished = true
            for sink in self.sinks.indices { self.touch(sink, .offered) }
        case .runTools(let now):
            self.runTools(now, &effects)
        case .takeWork(let marks):
            effects.outcome = .work(self.takeWork(marks: marks))
        case .committed(let work, let caller):
            self.commit(work)
            effects.caller = caller
        case .setWritesFail(let writesFail):
            self.disk?.writesFail = writesFail
        case .takePages:
            effects.outcome = .pages(self.takePages())
        case .load(let sink, let name, let deliveries, let unreadable, let position):
            // A reload may have given the index to another sink while the page was read.
            guard name == nil || name == self.sinks[sink].name else { break }
            self.load(deliveries, unreadable, through: position, into: sink)
        case .loadAgain(let sink):
            if self.sinks[sink].cursor.isLoading { self.disk?.pages.append(sink) }
        case .replay(let letter, let variant):
            effects.outcome = .isTaken(self.replay(letter, variant: variant, &effects))
        case .replayAsNew(let letter, let record):
            effects.outcome = .isTaken(self.replayAsNew(letter, record, &effects))
        }
        self.finishCommand(&effects)
        if case .appended(let source) = effects.outcome {
            let watermark = self.watermarks[source]
            effects.receipt = SourceOutlet.Receipt(demand: watermark.isPaused ? .pause : .more, position: watermark.appended)
        }
        return effects
    }

    /// Marks a sink for ``finishCommand(_:)``.
    mutating func touch(_ sink: SinkIndex, _ touch: Touch) {
        if self.sinks[sink].touch.isEmpty { self.touched.append(sink) }
        if touch.contains(.grown), !self.sinks[sink].touch.contains(.grown) { self.grown.append(sink) }
        self.sinks[sink].touch.formUnion(touch)
    }
}
