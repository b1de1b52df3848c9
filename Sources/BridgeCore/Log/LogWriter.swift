import Logging
import PollThread
import Synchronization

/// Does for the log on disk what no source does on its own thread: writes what is left, reads back, trims.
///
/// On its ``PollThread``, which its only method blocks until it is stopped. While the store refuses, the sources pause and the same changes
/// are given again until it takes them.
actor LogWriter {
    /// How many events are read back at once.
    private static let page = 512

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let commits: LogCommits
    private let store: any LogStore
    private let log: DeliveryLog
    private let targets: RouteTargets
    private let router: LetterRouter
    private let health: LogHealth
    private let thread: PollThread
    private let logger: Logger
    private let names: ComponentTable<SinkIndex, String>
    private var lastLook = ContinuousClock.now - .seconds(60)
    private var hasMoreToTrim = false

    init(
        store: any LogStore, log: DeliveryLog, cursors: LogCursors, table: RouteTable, health: LogHealth,
        names: [String], thread: PollThread, logger: Logger
    ) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.commits = LogCommits(
            store: store, log: log, cursors: cursors, health: health,
            targets: PlanTargets(routes: table.routes, sinks: names), logger: logger
        )
        self.store = store
        self.log = log
        self.router = LetterRouter(log: log, table: table, logger: logger)
        self.targets = RouteTargets(routes: table.routes, sinks: names)
        self.health = health
        self.names = ComponentTable(names)
        self.thread = thread
        self.logger = logger
    }

    /// The latest events that a sink has numbered.
    ///
    /// - Throws: ``LogError``.
    func history(of sink: String, atMost limit: Int) throws -> SinkHistory {
        let history = try self.store.history(of: sink, atMost: limit)
        self.health.tell(ofPublished: history.unreadable, sink: sink, self.logger)
        return history
    }

    /// Writes the cursors that have moved before anything runs: what a peer is told at once must not be forgotten.
    ///
    /// A disk that refuses is met again by ``run(until:)``.
    func keepCursors() {
        _ = try? self.commits.write(marks: true)
    }

    /// Writes until it is stopped and nothing is left to write.
    func run(until isStopped: @Sendable () -> Bool) {
        self.log.attach(
            DeliveryLog.Writer(wake: { [thread] in thread.wake() }, tryWrite: { [commits] in commits.tryWrite(caller: $0) }))
        defer { self.log.attach(nil) }
        while true {
            let isLast = isStopped()
            let looks = .now - self.lastLook > .seconds(1)
            guard let outcome = self.write(isLast, probes: looks, isStopped) else { return }
            let pages = self.log.takePages()
            for page in pages { self.read(page.sink, after: page.after) }
            let isIdle = !outcome.wroteAnything && pages.isEmpty
            if isIdle, isLast { return }
            if self.hasMoreToTrim || looks {
                self.lastLook = .now
                self.trim(outcome.settled)
                self.lookForReplays()
            }
            if isIdle {
                if !self.hasMoreToTrim {
                    _ = self.thread.wait(timeout: outcome.tookMarks ? .milliseconds(100) : LogCommits.linger)
                }
            } else if !outcome.wroteEvents, pages.isEmpty, !isLast {
                // Whatever is confirmed meanwhile goes with the next group.
                _ = self.thread.wait(timeout: LogCommits.linger)
            }
        }
    }

    /// Writes what there is, as often as it takes.
    ///
    /// - Returns: `nil` when it was stopped while the disk refused; what is given up then was acknowledged to nobody.
    private func write(_ isLast: Bool, probes: Bool, _ isStopped: () -> Bool) -> LogCommits.Outcome? {
        var wait = Duration.milliseconds(100)
        while true {
            do {
                return try self.commits.write(marks: isLast, probes: probes)
            } catch {
                if isStopped() { return nil }
                let deadline = ContinuousClock.now + wait
                while ContinuousClock.now < deadline, !isStopped() {
                    _ = self.thread.wait(timeout: deadline - .now)
                }
                wait = min(wait * 2, .seconds(2))
            }
        }
    }

    /// Ends the use of the store, after ``run(until:)``.
    func close() {
        self.store.close()
    }

    // MARK: Reading back

    private func read(_ sink: SinkIndex, after position: Position) {
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
            self.log.loaded(deliveries, unreadable: page.unreadable, through: page.through, sink: sink)
            self.health.tell(of: page.unreadable, sink: name, self.logger)
            if self.health.recovered(.reading(sink: name)) {
                self.logger.notice("Log is read again", metadata: ["sink": "\(name)"])
            }
        } catch {
            if self.health.failed(.reading(sink: name), "\(error)") {
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
            let found = try self.store.replays()
            self.health.tell(of: found.unreadable, self.logger)
            let letters = found.letters
            self.health.letters.set(try self.store.letterCount())
            guard !letters.isEmpty else { return }
            self.logger.notice("Replaying dead letters", metadata: ["count": "\(letters.count)"])
            for letter in letters {
                if letter.sink.isEmpty {
                    self.router.route(letter)
                } else if !self.log.replay(letter, self.targets) {
                    self.logger.warning(
                        "Dead letter has no sink any more", metadata: ["id": "\(letter.id)", "sink": "\(letter.sink)"])
                }
            }
        } catch {
            self.logger.warning("Dead letters cannot be read", metadata: ["error": "\(error)"])
        }
    }
}
