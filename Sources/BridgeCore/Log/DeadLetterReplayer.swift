import DequeModule
import Logging
import Synchronization

/// Sends the events of dead letters that no sink gave up through the routes of today.
///
/// A letter takes the way of a new event; one that was lost to a route goes through that route alone, since the others have had it.
/// Thread-safe; on ``EvaluationThreads``, so that the writer of the log does not wait for expressions. What waits at the end of the program is
/// asked for again by the next run.
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
        self.unroutedLog = BurstLog("Dead letter is taken by no route and stays", logger: logger)
        self.failureLog = BurstLog("Expression failed", logger: logger)
        self.lane.setWork { [weak self] in self?.routeNext() ?? false }
    }

    /// The number of waiting dead letters.
    var count: Int { self.letters.withLock { $0.count } }

    /// Routes a letter soon.
    func route(_ letter: StoredDeadLetter) {
        self.letters.withLock { $0.append(letter) }
        self.lane.wake()
    }

    private func routeNext() -> Bool {
        guard let letter = self.letters.withLock({ $0.popFirst() }) else { return false }
        var routing = self.routing(of: letter)
        // What is lost again stays this letter.
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
