import DequeModule
import Synchronization

/// What a source has sent and is not in the log yet, because expressions decide where it goes.
///
/// The source continues immediately on any thread; ``EvaluationThreads`` evaluate and append, in order. Such a source
/// counts its batches itself, so its positions are known before those of the log; ``safe`` uses the source's own count
/// too. Bounded: above ``most`` the source pauses, and the queue still accepts what it has read by then. Thread-safe;
/// nothing is evaluated under its lock.
final class SourceQueue: Sendable {
    /// What may wait before the source pauses; it resumes at half.
    static let most = (events: 4096, bytes: 8 << 20)
    /// What is evaluated together at most, except for a batch that the source sent as one.
    static let piece = (events: 256, bytes: 1 << 20)
    /// How many positions are tracked until they are safe; above it every second is dropped, which only makes the
    /// source wait longer.
    static let marks = 4096

    let appender: SourceAppender
    private let state: Mutex<State>
    private let lane: EvaluationLane
    /// Signals that a piece is in the log.
    private let signal = Signal()

    /// One call of the source.
    enum Content: Sendable {
        case messages([ReceivedMessage])
        /// One whose sender receives the event's id.
        case message(ReceivedMessage, @Sendable (String?) -> Void)
        case gap(SourceLoss)
        case givenUp(ReceivedMessage, reason: String, attempts: Int)
    }

    init(_ appender: SourceAppender, threads: EvaluationThreads) {
        self.appender = appender
        let appended = appender.mark.appended
        self.state = Mutex(State(appended: appended))
        self.lane = EvaluationLane(on: threads)
        self.lane.setWork { [weak self] in self?.runOnce() ?? false }
    }

    // MARK: The source's side

    /// Accepts what the source has sent; never blocks.
    ///
    /// - Returns: the position by the source's own count, and whether it may continue.
    func add(_ content: Content) -> SourceOutlet.Receipt {
        let (position, isFull) = self.state.withLock { state in
            state.add(content)
            return (state.last, state.isFull)
        }
        self.lane.wake()
        return SourceOutlet.Receipt(demand: isFull || self.isLogPaused ? .pause : .more, position: position)
    }

    /// The receipt for an empty batch.
    var receipt: SourceOutlet.Receipt {
        let (position, isFull) = self.state.withLock { ($0.last, $0.isFull) }
        return SourceOutlet.Receipt(demand: isFull || self.isLogPaused ? .pause : .more, position: position)
    }

    /// Everything up to here is safe, by the source's own count.
    var safe: Position {
        let safe = self.appender.mark.safe
        return self.state.withLock { $0.settle(through: safe) }
    }

    /// Whether the source must pause.
    var isPaused: Bool { self.state.withLock { $0.isFull } || self.isLogPaused }

    /// The number of events that are not in the log.
    var count: Int { self.state.withLock { $0.events } }

    /// Sets the callback for when ``safe`` or ``isPaused`` may have changed.
    func onChange(_ notify: (@Sendable () -> Void)?) {
        self.signal.observe(notify)
    }

    private var isLogPaused: Bool { self.appender.mark.isPaused }

    // MARK: Waiting

    /// Waits until what was sent up to a position is safe.
    ///
    /// - Throws: `CancellationError`.
    func untilSafe(_ position: Position) async throws {
        try await self.wait { $0.done >= position }
        guard let mark = self.state.withLock({ $0.place(of: position) }) else { return }
        try await self.appender.wait { $0.safe >= mark }
    }

    /// Waits until there is room.
    ///
    /// - Throws: `CancellationError`.
    func untilRoom() async throws {
        try await self.wait { !$0.isFull }
    }

    /// Waits until everything is in the log.
    ///
    /// - Throws: `CancellationError`.
    func untilEmpty() async throws {
        try await self.wait { $0.done == $0.last }
    }

    private func wait(until condition: (State) -> Bool) async throws {
        try await self.signal.wait { self.state.withLock { condition($0) } }
    }

    // MARK: The threads' side

    /// Evaluates and appends one piece.
    ///
    /// - Returns: whether there is more.
    private func runOnce() -> Bool {
        let piece = self.state.withLock { $0.take() }
        guard let last = piece.last else { return false }
        let position = self.append(piece)
        let isLong = self.state.withLock { state in
            state.finish(piece, through: last.position, at: position)
            return state.marks.count > Self.marks
        }
        if isLong {
            _ = self.safe
            self.state.withLock { $0.thinOut() }
        }
        self.signal.notify()
        return true
    }

    /// - Returns: the position in the log.
    private func append(_ piece: [State.Item]) -> Position {
        switch piece[0].content {
        case .gap(let loss): return self.appender.gap(loss).position
        case .givenUp(let message, let reason, let attempts):
            return self.appender.giveUp(message, reason: reason, attempts: attempts).position
        case .messages, .message: break
        }
        var messages: [ReceivedMessage] = []
        var asking: [(place: Int, answer: @Sendable (String?) -> Void)] = []
        for item in piece {
            switch item.content {
            case .messages(let some): messages += some
            case .message(let one, let answer):
                asking.append((messages.count, answer))
                messages.append(one)
            case .gap, .givenUp: preconditionFailure("gaps and dead letters are not joined")
            }
        }
        guard !asking.isEmpty else { return self.appender.send(messages, writesThrough: true).position }
        let (receipt, ids) = self.appender.sendAll(messages)
        for (place, answer) in asking { answer(ids[place]) }
        return receipt.position
    }
}
