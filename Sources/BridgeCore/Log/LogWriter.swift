import Logging
import PollThread
import Synchronization

/// Does what no source does on its own thread for the log on disk: writes the remaining changes, reads back, trims.
///
/// On its ``PollThread``, which one method blocks until ``stop()``. While the store fails, the sources pause and the
/// same changes are retried.
actor LogWriter {
    /// How many events are read back together.
    private static let page = 512
    /// How many replays may be pending; more are taken once some are delivered.
    private static let replays = 4096

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let commits: GroupCommit
    private let store: any LogStore
    private let log: DeliveryLog
    /// The settings of sinks that routes choose.
    private let targets: Mutex<RouteTargets>
    private let replayer: DeadLetterReplayer
    nonisolated let health: LogHealth
    private let thread: PollThread
    private let isStopped = Flag()
    private let logger: Logger
    private let trimmedLog: BurstLog
    private var lastLook = ContinuousClock.now - .seconds(60)
    private var hasMoreToTrim = false
    private var hasMoreReplays = false

    init(_ durable: DurableLog, log: DeliveryLog, table: RouteTable, metrics: Metrics, logger: Logger) {
        let health = LogHealth(metrics: metrics)
        self.unownedExecutor = durable.thread.asUnownedSerialExecutor()
        self.commits = GroupCommit(
            store: durable.store, log: log, cursors: durable.cursors, health: health,
            targets: PlanTargets(table.names), logger: logger
        )
        self.store = durable.store
        self.log = log
        self.replayer = DeadLetterReplayer(log: log, table: table, logger: logger)
        self.targets = Mutex(RouteTargets(routes: table.routes, sinks: table.names.sinks))
        self.health = health
        self.thread = durable.thread
        self.logger = logger
        self.trimmedLog = BurstLog("Oldest dead letters removed by log.retain.dead_letters", logger: logger)
    }

    /// The latest events that a sink has numbered.
    ///
    /// - Throws: ``LogError``.
    nonisolated func history(of sink: String, atMost limit: Int) throws -> SinkHistory {
        let history = try self.store.history(of: sink, atMost: limit)
        self.health.report(ofPublished: history.unreadable, sink: sink, self.logger)
        return history
    }

    /// Reads what is pending for sinks that a reload adds, after everything up to now is written.
    ///
    /// Blocks while it does.
    ///
    /// - Throws: ``LogError``.
    nonisolated func adopt(_ sinks: [String]) throws -> [String: AdoptedSink] {
        guard !sinks.isEmpty else { return [:] }
        _ = try self.commits.write(marks: true)
        var adopted: [String: AdoptedSink] = [:]
        for sink in sinks { adopted[sink] = try self.store.adopt(sink: sink) }
        return adopted
    }

    /// Keeps what is pending for sinks that a reload has removed.
    nonisolated func release(_ sinks: [String]) {
        guard !sinks.isEmpty else { return }
        do {
            _ = try self.commits.write(marks: true)
            for sink in sinks { try self.store.release(sink: sink) }
        } catch {
            // The next start finds what is pending for them.
            self.logger.warning("Log could not record removed sinks", metadata: ["error": "\(error)"])
        }
    }

    /// The sinks of ``adopt(_:)`` are in the configuration now.
    nonisolated func adopted(_ sinks: [String]) {
        for sink in sinks { self.store.adopted(sink: sink) }
    }

    /// Calls `body` while no dead letter is routed, then uses another table.
    nonisolated func replaceTable(by table: RouteTable, _ body: () -> Void) {
        self.replayer.replaceTable(by: table, body)
        self.targets.withLock { $0 = RouteTargets(routes: table.routes, sinks: table.names.sinks) }
        self.commits.follow(table.names)
    }

    /// Writes cursors that moved before anything runs, because what a peer learns immediately must not be lost.
    ///
    /// ``run()`` handles a failing disk.
    func keepCursors() {
        _ = try? self.commits.write(marks: true)
    }

    /// Writes until ``stop()`` and until no changes are left; then closes the store and ends the thread.
    ///
    /// Ignores cancellation: unwritten changes would be lost.
    nonisolated func run() async {
        await self.writeUntilStopped()
        self.thread.stop()
    }

    /// Asks ``run()`` to end.
    nonisolated func stop() {
        self.isStopped.set()
        self.thread.wake()
    }

    private func writeUntilStopped() {
        defer { self.store.close() }
        self.log.attach(
            DeliveryLog.Writer(wake: { [thread] in thread.wake() }, tryWrite: { [commits] in commits.tryWrite(caller: $0) }))
        defer { self.log.attach(nil) }
        while true {
            let isLast = self.isStopped.isSet
            let looks = .now - self.lastLook > .seconds(1)
            guard let outcome = self.write(isLast, probes: looks) else { return }
            let pages = self.log.takePages()
            for page in pages { self.read(page.sink, page.name, after: page.after) }
            let isIdle = !outcome.wroteAnything && pages.isEmpty
            if isIdle, isLast { return }
            if self.hasMoreReplays { self.lookForReplays() }
            if self.hasMoreToTrim || looks {
                self.lastLook = .now
                self.trim(outcome.settled)
                self.lookForReplays()
            }
            if isIdle {
                if !self.hasMoreToTrim {
                    _ = self.thread.wait(timeout: outcome.tookMarks ? .milliseconds(100) : GroupCommit.linger)
                }
            } else if !outcome.wroteEvents, pages.isEmpty, !isLast {
                // What is confirmed in the meantime is in the next group.
                _ = self.thread.wait(timeout: GroupCommit.linger)
            }
        }
    }

    /// Writes pending changes, and retries until that succeeds.
    ///
    /// - Returns: `nil` when it was stopped while the disk failed; the unwritten changes were never acknowledged.
    private func write(_ isLast: Bool, probes: Bool) -> GroupCommit.Outcome? {
        var wait = Duration.milliseconds(100)
        while true {
            do {
                return try self.commits.write(marks: isLast, probes: probes)
            } catch {
                if self.isStopped.isSet { return nil }
                let deadline = ContinuousClock.now + wait
                while ContinuousClock.now < deadline, !self.isStopped.isSet {
                    _ = self.thread.wait(timeout: deadline - .now)
                }
                wait = min(wait * 2, .seconds(2))
            }
        }
    }

    // MARK: Reading back

    private func read(_ sink: SinkIndex, _ name: String, after position: Position) {
        let targets = self.targets.withLock { $0 }
        do {
            let page = try self.store.page(of: name, after: position, atMost: Self.page)
            let wall = Timestamp.now()
            let deliveries = page.events.flatMap { stored in
                stored.targets.filter { $0.sink == name }.map { target in
                    var delivery = Delivery(
                        event: stored.event(for: target),
                        variant: targets.variant(sink: name, route: target.route, wanted: target.variant),
                        route: target.route, attempts: 0, position: stored.position, ticket: 0,
                        accepted: .now - .milliseconds(max(0, wall.milliseconds - stored.accepted.milliseconds))
                    )
                    delivery.key = target.key
                    delivery.letter = stored.letter
                    return delivery
                }
            }
            self.log.loaded(deliveries, unreadable: page.unreadable, through: page.through, sink: sink, name: name)
            self.health.report(of: page.unreadable, sink: name, self.logger)
            if self.health.recovered(.reading(sink: name)) {
                self.logger.notice("Log reads recovered", metadata: ["sink": "\(name)"])
            }
        } catch {
            if self.health.failed(.reading(sink: name), "\(error)") {
                self.logger.error("Log read failed", metadata: ["error": "\(error)", "sink": "\(name)"])
            }
            _ = self.thread.wait(timeout: .milliseconds(200))
            self.log.notLoaded(sink: sink)
        }
    }

    // MARK: From time to time

    private func trim(_ settled: Position) {
        do {
            self.hasMoreToTrim = try self.store.trim(before: settled)
            let letters = try self.store.trimDeadLetters()
            self.health.trimmedDeadLetters.increment(by: letters)
            self.trimmedLog.note([:], count: letters)
            if letters > 0 { self.hasMoreToTrim = true }
        } catch {
            self.hasMoreToTrim = false
            self.logger.warning("Log trimming failed", metadata: ["error": "\(error)"])
        }
    }

    private func lookForReplays() {
        do {
            let room = Self.replays - self.log.replays - self.replayer.count
            self.hasMoreReplays = false
            guard room > 0 else { return }
            let found = try self.store.replays(atMost: room)
            self.hasMoreReplays = found.hasMore
            self.health.report(of: found.unreadable, self.logger)
            let letters = found.letters
            self.health.letters.set(try self.store.deadLetterCount())
            guard !letters.isEmpty else { return }
            self.logger.notice("Replaying dead letters", metadata: ["count": "\(letters.count)"])
            for letter in letters {
                if letter.sink.isEmpty {
                    self.replayer.replay(letter)
                } else if !self.log.replay(letter, self.targets.withLock({ $0 })) {
                    self.logger.warning(
                        "Dead letter kept; its sink no longer exists", metadata: ["id": "\(letter.id)", "sink": "\(letter.sink)"])
                }
            }
        } catch {
            self.logger.warning("Reading dead letters failed", metadata: ["error": "\(error)"])
        }
    }
}
