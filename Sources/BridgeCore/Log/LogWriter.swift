import Logging
import PollThread
import Synchronization

/// Writes the log to its store: one group of changes after the other, everything that has come since the last.
///
/// On its ``PollThread``, which its only method blocks until it is stopped. While the store refuses, the sources pause and the same changes
/// are given again until it takes them.
actor LogWriter {
    /// How long what sinks have confirmed may wait for company.
    private static let linger = Duration.milliseconds(20)
    /// How many events are read back at once.
    private static let page = 512

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let store: any LogStore
    private let log: DeliveryLog
    private let cursors: LogCursors
    private let targets: RouteTargets
    private let table: RouteTable
    private let reader = EventReader()
    private let health: LogHealth
    private let thread: PollThread
    private let logger: Logger
    private let names: [String]
    private var plans: [ObjectIdentifier: (plan: RoutePlan, targets: [StoredEvent.Target])] = [:]
    private var lastMarks = ContinuousClock.now
    private var lastLook = ContinuousClock.now - .seconds(60)
    private var hasMoreToTrim = false

    init(
        store: any LogStore, log: DeliveryLog, cursors: LogCursors, table: RouteTable, health: LogHealth,
        names: [String], thread: PollThread, logger: Logger
    ) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.store = store
        self.log = log
        self.cursors = cursors
        self.table = table
        self.targets = RouteTargets(routes: table.routes, sinks: names)
        self.health = health
        self.names = names
        self.thread = thread
        self.logger = logger
    }

    /// The latest events that a sink has numbered.
    ///
    /// - Throws: ``LogError``.
    func history(of sink: String, atMost limit: Int) throws -> SinkHistory {
        try self.store.history(of: sink, atMost: limit)
    }

    /// Writes the cursors that have moved before anything runs: what a peer is told at once must not be forgotten.
    ///
    /// A disk that refuses is told when ``run(until:)`` meets it.
    func keepCursors() {
        var changes = LogChanges()
        changes.cursors = self.cursors.takeMoved()
        guard !changes.isEmpty else { return }
        do {
            try self.store.commit(changes)
            self.cursors.kept()
        } catch {
            self.cursors.notKept(changes.cursors)
        }
    }

    /// Writes until it is stopped and nothing is left to write.
    func run(until isStopped: @Sendable () -> Bool) {
        self.log.onChange { [thread] in thread.wake() }
        defer { self.log.onChange(nil) }
        while true {
            let isLast = isStopped()
            let takesMarks = isLast || .now - self.lastMarks > Self.linger
            let work = self.log.takeWork(marks: takesMarks)
            let moved = takesMarks ? self.cursors.takeMoved() : [:]
            if takesMarks { self.lastMarks = .now }
            let isIdle = work.isEmpty && moved.isEmpty
            if isIdle {
                if isLast { return }
            } else {
                self.write(work, moved, isStopped)
                for page in work.pages { self.read(page.sink, after: page.after) }
            }
            if self.hasMoreToTrim || .now - self.lastLook > .seconds(1) {
                self.lastLook = .now
                self.trim(work.settled)
                self.lookForReplays()
            }
            if isIdle {
                if !self.hasMoreToTrim { _ = self.thread.wait(timeout: takesMarks ? .milliseconds(100) : Self.linger) }
            } else if work.records.isEmpty, work.pages.isEmpty, !isLast {
                // Whatever is confirmed meanwhile goes with the next group.
                _ = self.thread.wait(timeout: Self.linger)
            }
        }
    }

    // MARK: Writing

    private func write(_ work: DeliveryLog.Work, _ moved: [String: String], _ isStopped: () -> Bool) {
        var changes = work.changes
        changes.cursors = moved
        let (now, wall) = (ContinuousClock.now, Timestamp.now().milliseconds)
        changes.events = work.records.map { position, record in
            self.stored(position, record, Timestamp(milliseconds: wall - (now - record.accepted).milliseconds))
        }
        guard !changes.isEmpty else {
            self.log.committed(work)
            return
        }
        var wait = Duration.milliseconds(100)
        while true {
            do {
                try self.store.commit(changes)
                if self.health.recovered() { self.logger.notice("Log is written again") }
                self.log.committed(work)
                if !moved.isEmpty { self.cursors.kept() }
                return
            } catch {
                if self.health.failed("\(error)") {
                    self.logger.error("Log cannot be written, the sources pause", metadata: ["error": "\(error)"])
                }
                self.log.setRefusing(true)
                // What is given up here was acknowledged to nobody.
                if isStopped() { return }
                let deadline = ContinuousClock.now + wait
                while ContinuousClock.now < deadline, !isStopped() {
                    _ = self.thread.wait(timeout: deadline - .now)
                }
                wait = min(wait * 2, .seconds(2))
            }
        }
    }

    private func stored(_ position: Position, _ record: LogRecord, _ accepted: Timestamp) -> StoredEvent {
        var targets = self.targets(of: record.routing.plan)
        if !record.routing.keys.isEmpty {
            for (index, entry) in record.routing.plan.entries.enumerated() {
                targets[index].key = record.routing.keys[entry.route]
            }
        }
        return StoredEvent(
            position: position, accepted: accepted, event: record.event, targets: targets, copies: record.routing.shaped,
            repeatKey: record.repeatKey
        )
    }

    /// Plans are shared by many events, so their names are found once.
    private func targets(of plan: RoutePlan) -> [StoredEvent.Target] {
        if let known = self.plans[ObjectIdentifier(plan)] { return known.targets }
        let targets = plan.entries.map { entry in
            StoredEvent.Target(
                sink: self.names[entry.sink], route: self.log.routes[entry.route], variant: entry.variant, copy: entry.shape
            )
        }
        if self.plans.count >= 1024 { self.plans.removeAll() }
        self.plans[ObjectIdentifier(plan)] = (plan, targets)
        return targets
    }

    // MARK: Reading back

    private func read(_ sink: Int, after position: Position) {
        let name = self.names[sink]
        do {
            let page = try self.store.page(of: name, after: position, atMost: Self.page)
            let wall = Timestamp.now()
            let deliveries = page.events.flatMap { stored in
                stored.targets.filter { $0.sink == name }.map { target in
                    var delivery = Delivery(
                        event: stored.event(for: target),
                        variant: self.targets.variant(sink: name, route: target.route, wanted: target.variant),
                        route: target.route, attempts: 0, position: stored.position, ticket: 0,
                        accepted: .now - .milliseconds(max(0, wall.milliseconds - stored.accepted.milliseconds))
                    )
                    delivery.key = target.key
                    return delivery
                }
            }
            self.log.loaded(deliveries, through: page.through, sink: sink)
        } catch {
            if self.health.failed("\(error)") {
                self.logger.error("Log cannot be read", metadata: ["error": "\(error)", "sink": "\(name)"])
            }
            _ = self.thread.wait(timeout: .milliseconds(200))
            self.log.notLoaded(sink: sink)
        }
    }

    // MARK: From time to time

    private func trim(_ settled: Position) {
        do {
            self.hasMoreToTrim = try self.store.trim(before: settled)
        } catch {
            self.hasMoreToTrim = false
            self.logger.warning("Log cannot be trimmed", metadata: ["error": "\(error)"])
        }
    }

    private func lookForReplays() {
        do {
            let letters = try self.store.replays()
            guard !letters.isEmpty else { return }
            self.logger.notice("Replaying dead letters", metadata: ["count": "\(letters.count)"])
            for letter in letters {
                if letter.sink.isEmpty {
                    self.route(letter)
                } else if !self.log.replay(letter, self.targets) {
                    self.logger.warning(
                        "Dead letter has no sink any more", metadata: ["id": "\(letter.id)", "sink": "\(letter.sink)"])
                }
            }
        } catch {
            self.logger.warning("Dead letters cannot be read", metadata: ["error": "\(error)"])
        }
    }

    /// A letter that no sink gave up takes the way of a new event.
    private func route(_ letter: StoredLetter) {
        let routing = self.table.routing(of: letter.event, reader: self.reader, now: .now()) { route, error in
            self.logger.warning(
                "Expression failed", metadata: ["route": "\(self.log.routes[route])", "error": "\(error.message)"])
        }
        self.log.replay(letter, LogRecord(event: letter.event, routing: routing, accepted: .now))
    }
}
