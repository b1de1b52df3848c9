import DequeModule
import Logging
import Synchronization

/// Sends the events of dead letters that no sink gave up through the routes of today.
///
/// A letter takes the way of a new event; one that was lost to a route goes through that route alone, since the others have had it.
/// Thread-safe; on ``EvaluationThreads``, so that the writer of the log does not wait for expressions. What waits at the end of the program is
/// asked for again by the next run.
final class LetterRouter: Sendable {
    private let log: DeliveryLog
    private let table: RouteTable
    private let logger: Logger
    private let letters = Mutex<Deque<StoredLetter>>([])
    private let lane = Mutex<EvaluationLane?>(nil)

    init(log: DeliveryLog, table: RouteTable, logger: Logger) {
        self.log = log
        self.table = table
        self.logger = logger
        self.lane.withLock { lane in
            lane = EvaluationLane(on: .file) { [weak self] in self?.routeNext() ?? false }
        }
    }

    /// Routes a letter soon.
    func route(_ letter: StoredLetter) {
        self.letters.withLock { $0.append(letter) }
        self.lane.withLock { $0 }?.wake()
    }

    private func routeNext() -> Bool {
        guard let letter = self.letters.withLock({ $0.popFirst() }) else { return false }
        var routing = self.routing(of: letter)
        // What is lost again stays this letter.
        if !routing.lost.isEmpty { routing = Routing(plan: routing.plan, shaped: routing.shaped, keys: routing.keys) }
        if !self.log.replay(letter, LogRecord(event: letter.event, routing: routing, accepted: .now)) {
            self.logger.warning("Dead letter is taken by no route and stays", metadata: ["id": "\(letter.id)"])
        }
        return true
    }

    private func routing(of letter: StoredLetter) -> Routing {
        func failed(route: RouteIndex, _ error: ExpressionError) {
            self.logger.warning(
                "Expression failed",
                metadata: ["event": "\(letter.event.id)", "route": "\(self.log.routes[route])", "error": "\(error.message)"])
        }
        let (reader, now) = (EventReader(), Timestamp.now())
        guard !letter.route.isEmpty else {
            return self.table.routing(of: letter.event, reader: reader, now: now, failures: failed)
        }
        return self.table.routing(of: letter.event, through: letter.route, reader: reader, now: now, failures: failed)
    }
}
