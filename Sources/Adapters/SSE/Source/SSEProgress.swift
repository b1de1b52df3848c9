import BridgeCore
import Curl
import Synchronization

/// How far a stream was read, across its connections: where to resume, and which cursor is safe to store.
///
/// Guarded by its lock. Written on the curl thread, read by the task that stores the cursor.
final class SSEProgress: Sendable {
    private struct State {
        /// The last one whose id can be sent.
        var point: SSEResumePoint?
        /// In order of arrival, each with the position that must be safe first.
        var pending: [(position: Position, point: SSEResumePoint)] = []
        /// The position of the last sent event.
        var position = Position.start
        var policy: SSEReconnectPolicy
        var generator = SystemRandomNumberGenerator()
        /// When the current stream was accepted.
        var acceptedAt: ContinuousClock.Instant?
        var endedWithoutBody = false
    }

    /// Signals that an id is pending.
    let signal = Signal()
    private let state: Mutex<State>

    /// Makes the progress of a source that has read nothing.
    init(_ policy: SSEReconnectPolicy = SSEReconnectPolicy()) {
        self.state = Mutex(State(policy: policy))
    }

    /// Whether an id can be sent as a header and kept by a ``CursorStore``, together with the line before it.
    static func isUsable(_ id: String) -> Bool {
        CurlRequest.isHeaderValue(id) && id.utf8.count <= 4000
    }

    /// The point to resume from; the first call uses `stored`.
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

    /// Whether the last accepted stream ended before the first byte of its body.
    var endedWithoutBody: Bool { self.state.withLock(\.endedWithoutBody) }

    /// An accepted stream has ended.
    func ended(withBody hasBody: Bool) {
        self.state.withLock { $0.endedWithoutBody = !hasBody }
    }

    /// Records the server's minimum delay between two connections.
    func asked(toWait milliseconds: Int) {
        self.state.withLock { $0.policy.asked(toWait: milliseconds) }
    }

    /// The minimum wait after the stream has ended, in order or not, or was never accepted.
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

    /// The minimum wait after an answer other than a stream.
    func wait(afterStatus status: Int, retryAfter: Duration?) -> Duration? {
        self.state.withLock { state in
            state.policy.wait(after: .refused(status: status, retryAfter: retryAfter), using: &state.generator)
        }
    }

    /// Records that messages were sent.
    ///
    /// - Parameters:
    ///   - position: of the last event that was sent; `nil` when there was none since the last call.
    ///   - point: where to resume now, with an id that ``isUsable(_:)``; `nil` keeps the previous point.
    func received(upTo position: Position?, point: SSEResumePoint?) {
        let isNew = self.state.withLock { state in
            if let position { state.position = position }
            guard let point, point != state.point else { return false }
            state.point = point
            // A slow sink may leave thousands pending; the last one then waits for the newest.
            if state.pending.count >= 1024 { state.pending.removeLast() }
            state.pending.append((state.position, point))
            return true
        }
        if isNew { self.signal.notify() }
    }

    /// The position that makes the oldest pending id safe.
    var firstPending: Position? { self.state.withLock { $0.pending.first?.position } }
    /// The position that makes every pending id safe.
    var lastPending: Position? { self.state.withLock { $0.pending.last?.position } }

    /// Removes and returns the points that are safe.
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
