import NIOCore

/// The state of a connection within ``HTTPScheduler``.
struct HTTPTurn {
    fileprivate var end = NIODeadline.uptimeNanoseconds(0)
    fileprivate var isRunning = false
    fileprivate var isWaiting = false
}

/// A connection that processes its input in pieces.
///
/// On its event loop.
protocol HTTPScheduledInput: AnyObject {
    /// Changed by ``HTTPScheduler`` alone.
    var turn: HTTPTurn { get set }
    /// Whether a piece is available and can be processed now.
    var hasPiece: Bool { get }

    /// Processes one piece: a few requests at most.
    func handlePiece()

    /// Its turn is over; remaining pieces follow in another one.
    func turnEnded()
}

/// Shares one event loop among connections with more input than can be processed at once.
///
/// Used only on its loop. A connection is processed for one turn when bytes arrive. The rest waits in a queue, in which
/// connections take turns. Between two slices of that work the loop serves its sockets, so that a new client waits for
/// at most one slice.
final class HTTPScheduler {
    /// The longest turn of a connection, while others do not wait and while they do.
    private static let longest = TimeAmount.milliseconds(1)
    private static let shortest = TimeAmount.microseconds(250)
    /// How long waiting connections may keep the loop busy.
    private static let slice = TimeAmount.milliseconds(4)
    /// How long the loop then serves others, at least and at most.
    ///
    /// Not zero: a loop runs all due tasks before it polls its sockets.
    private static let pauses = (shortest: TimeAmount.microseconds(100), longest: TimeAmount.milliseconds(10))

    private let eventLoop: any EventLoop
    private var queue = CircularBuffer<any HTTPScheduledInput>()
    private var isScheduled = false
    private var pause = HTTPScheduler.pauses.shortest

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Begins a turn of a connection with new input; has no effect while it has or waits for one.
    func begin(_ connection: any HTTPScheduledInput) {
        guard !connection.turn.isRunning, !connection.turn.isWaiting, connection.hasPiece else { return }
        self.run(connection, from: .now())
    }

    /// Continues with a connection that was blocked: within its turn, or in another one when that is over.
    func resume(_ connection: any HTTPScheduledInput) {
        guard !connection.turn.isRunning, !connection.turn.isWaiting, connection.hasPiece else { return }
        if NIODeadline.now() < connection.turn.end { self.run(connection) } else { self.wait(connection) }
    }

    private func run(_ connection: any HTTPScheduledInput, from start: NIODeadline) {
        connection.turn.end = start + (self.queue.isEmpty ? Self.longest : Self.shortest)
        self.run(connection)
    }

    private func run(_ connection: any HTTPScheduledInput) {
        connection.turn.isRunning = true
        repeat { connection.handlePiece() } while connection.hasPiece && NIODeadline.now() < connection.turn.end
        connection.turnEnded()
        connection.turn.isRunning = false
        if connection.hasPiece { self.wait(connection) }
    }

    private func wait(_ connection: any HTTPScheduledInput) {
        connection.turn.isWaiting = true
        self.queue.append(connection)
        self.schedule()
    }

    private func schedule() {
        guard !self.isScheduled else { return }
        self.isScheduled = true
        let turns = NIOLoopBound(self, eventLoop: self.eventLoop)
        let start = NIODeadline.now() + self.pause
        self.eventLoop.scheduleTask(deadline: start) { turns.value.takeTurns(dueSince: start) }
    }

    private func takeTurns(dueSince due: NIODeadline) {
        self.isScheduled = false
        var now = NIODeadline.now()
        // A late loop had more to do than the pause allowed; it may not have polled its sockets at all.
        self.pause = min(
            Self.pauses.longest, max(Self.pauses.shortest, (now - due) * 2, .nanoseconds(self.pause.nanoseconds / 2)))
        let end = now + Self.slice
        while now < end, let connection = self.queue.popFirst() {
            connection.turn.isWaiting = false
            if connection.hasPiece { self.run(connection, from: now) }
            now = .now()
        }
        if !self.queue.isEmpty { self.schedule() }
    }
}
