import BridgeCore
import Curl
import Synchronization

/// How far a stream is read, across its connections: where to go on, and what of it is safe enough to be remembered.
///
/// Behind its lock. Written on the curl thread, read by the task that keeps the cursor.
final class SSEProgress: Sendable {
    private struct State {
        /// The last one whose id can be sent.
        var point: SSEResumePoint?
        /// In the order they came, each with the position behind which everything it covers is.
        var pending: [(position: Position, point: SSEResumePoint)] = []
        /// Of the last event that was sent.
        var position = Position.start
        var policy = SSEReconnectPolicy()
        var generator = SystemRandomNumberGenerator()
        /// When the stream that is read now was accepted.
        var acceptedAt: ContinuousClock.Instant?
        var changes: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Whether an id can be sent as a header and kept by a ``CursorStore``, with the line before it.
    static func isUsable(_ id: String) -> Bool {
        CurlRequest.isHeaderValue(id) && id.utf8.count <= 4000
    }

    /// Where to go on; the first time that is what `stored` gives.
    func resumePoint(stored: () -> SSEResumePoint) -> SSEResumePoint {
        self.state.withLock { state in
            let point = state.point ?? stored()
            state.point = point
            return point
        }
    }

    /// The server has accepted the request for the stream.
    func accepted() {
        self.state.withLock { state in
            state.policy.accepted()
            state.acceptedAt = .now
        }
    }

    /// The server asks for a time between two connections.
    func asked(toWait milliseconds: Int) {
        self.state.withLock { $0.policy.asked(toWait: milliseconds) }
    }

    /// The least wait after the stream has ended, in order or not, or was never accepted.
    func wait(isOrderly: Bool) -> Duration? {
        self.state.withLock { state in
            defer { state.acceptedAt = nil }
            guard let acceptedAt = state.acceptedAt else {
                return state.policy.wait(after: .unreachable, using: &state.generator)
            }
            let outcome = isOrderly ? SSEReconnectPolicy.Outcome.ended : .lost(after: acceptedAt.duration(to: .now))
            return state.policy.wait(after: outcome, using: &state.generator)
        }
    }

    /// The least wait after the server has answered something other than a stream.
    func wait(afterStatus status: Int, retryAfter: Duration?) -> Duration? {
        self.state.withLock { state in
            state.policy.wait(after: .refused(status: status, retryAfter: retryAfter), using: &state.generator)
        }
    }

    /// Something was sent.
    ///
    /// - Parameters:
    ///   - position: of the last event that was sent; `nil` when there was none since the last call.
    ///   - point: where to go on now, by an id which ``isUsable(_:)``; `nil` leaves the one before in place.
    func received(upTo position: Position?, point: SSEResumePoint?) {
        let changes: AsyncStream<Void>.Continuation? = self.state.withLock { state in
            if let position { state.position = position }
            guard let point, point != state.point else { return nil }
            state.point = point
            // A slow sink may leave thousands waiting; then the last one waits for the newest.
            if state.pending.count >= 1024 { state.pending.removeLast() }
            state.pending.append((state.position, point))
            return state.changes
        }
        changes?.yield()
    }

    /// Tells of each id that was received, until the next call or the end of the task that iterates.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let hasPending = self.state.withLock { state in
            state.changes = continuation
            return !state.pending.isEmpty
        }
        if hasPending { continuation.yield() }
        return stream
    }

    /// The position that makes the oldest pending id safe.
    var firstPending: Position? { self.state.withLock { $0.pending.first?.position } }
    /// The position that makes every pending id safe.
    var lastPending: Position? { self.state.withLock { $0.pending.last?.position } }

    /// Takes the points that are safe.
    ///
    /// - Returns: the newest of them.
    func take(safe: Position) -> SSEResumePoint? {
        self.state.withLock { state in
            let count = state.pending.firstIndex { $0.position > safe } ?? state.pending.count
            guard count > 0 else { return nil }
            let point = state.pending[count - 1].point
            state.pending.removeFirst(count)
            return point
        }
    }
}
