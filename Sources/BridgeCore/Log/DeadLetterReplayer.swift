import DequeModule
import Logging
import Synchronization

/// Sends the events of dead letters without a sink through the current routes.
///
/// Such an event is routed like a new one, or through the failed route alone, since the other routes have delivered it.
/// Thread-safe; runs on ``EvaluationThreads``, so that the writer of the log does not wait for expressions. The next
/// run continues what waits at the end of the program.
final class DeadLetterReplayer: Sendable {
    private let log: DeliveryLog
    private let table: Mutex<RouteTable>
    private let unroutedLog: BurstLog
    private let failureLog: BurstLog
    private let letters = Mutex<Deque<StoredDeadLetter>>([])
    private let lane = EvaluationLane(on: .file)

    init(log: DeliveryLog, table: RouteTable, logger: Logger) {
        self.log = log
        self.table = Mutex(table)
        self.unroutedLog = BurstLog("Dead letter matches no route; it is kept", logger: logger)
        self.failureLog = BurstLog("Expression failed", logger: logger)
        self.lane.setWork { [weak self] in self?.routeNext() ?? false }
    }

    /// The number of waiting dead letters.
    var count: Int { self.letters.withLock { $0.count } }

    /// Replays a dead letter soon.
    func replay(_ letter: StoredDeadLetter) {
        self.letters.withLock { $0.append(letter) }
        self.lane.wake()
    }

    private func routeNext() -> Bool {
        guard let letter = self.letters.withLock({ $0.popFirst() }) else { return false }
        // Under the lock, so that the routes do not change before the event is in the log.
        self.table.withLock { self.replay(letter, $0) }
        return true
    }

    /// Calls `body` while no event is routed, then routes by another table.
    func replaceTable(by table: RouteTable, _ body: () -> Void) {
        self.table.withLock { current in
            body()
            current = table
        }
    }

    private func replay(_ letter: StoredDeadLetter, _ table: RouteTable) {
        var routing = self.routing(of: letter, table)
        // An event that fails again stays the same dead letter.
        if !routing.lost.isEmpty { routing = Routing(plan: routing.plan, shaped: routing.shaped, keys: routing.keys) }
        if !self.log.replay(letter, LogRecord(event: letter.event, routing: routing, accepted: .now)) {
            self.unroutedLog.note(["id": "\(letter.id)"])
        }
    }

    private func routing(of letter: StoredDeadLetter, _ table: RouteTable) -> Routing {
        func failed(route: RouteIndex, _ error: ExpressionError) {
            self.failureLog.note(
                ["event": "\(letter.event.id)", "route": "\(table.names[route])", "error": "\(error.message)"])
        }
        let (reader, now) = (EventReader(), Timestamp.now())
        guard !letter.route.isEmpty else {
            return table.routing(of: letter.event, reader: reader, now: now, failures: failed)
        }
        return table.routing(of: letter.event, through: letter.route, reader: reader, now: now, failures: failed)
    }
}
