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
    private let table: RouteTable
    private let unroutedLog: BurstLog
    private let failureLog: BurstLog
    private let letters = Mutex<Deque<StoredDeadLetter>>([])
    private let lane = EvaluationLane(on: .file)

    init(log: DeliveryLog, table: RouteTable, logger: Logger) {
        self.log = log
        self.table = table
        self.unroutedLog = BurstLog("Dead letter matches no route; it is kept", logger: logger)
        self.failureLog = BurstLog("Expression failed", logger: logger)
        self.lane.setWork { [weak self] in self?.routeNext() ?? false }
    }

    /// The number of waiting dead letters.
    var count: Int { self.letters.withLock { $0.count } }

    /// Routes a dead letter soon.
    func route(_ letter: StoredDeadLetter) {
        self.letters.withLock { $0.append(letter) }
        self.lane.wake()
    }

    private func routeNext() -> Bool {
        guard let letter = self.letters.withLock({ $0.popFirst() }) else { return false }
        var routing = self.routing(of: letter)
        // An event that fails again stays the same dead letter.
        if !routing.lost.isEmpty { routing = Routing(plan: routing.plan, shaped: routing.shaped, keys: routing.keys) }
        if !self.log.replay(letter, LogRecord(event: letter.event, routing: routing, accepted: .now)) {
            self.unroutedLog.note(["id": "\(letter.id)"])
        }
        return true
    }

    private func routing(of letter: StoredDeadLetter) -> Routing {
        func failed(route: RouteIndex, _ error: ExpressionError) {
            self.failureLog.note(
                ["event": "\(letter.event.id)", "route": "\(self.log.routes[route])", "error": "\(error.message)"])
        }
        let (reader, now) = (EventReader(), Timestamp.now())
        guard !letter.route.isEmpty else {
            return self.table.routing(of: letter.event, reader: reader, now: now, failures: failed)
        }
        return self.table.routing(of: letter.event, through: letter.route, reader: reader, now: now, failures: failed)
    }
}
