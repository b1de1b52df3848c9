import BridgeCore
import Curl
import Synchronization

/// How far a stream is read, across its connections: where to go on, and what of it is safe enough to be remembered.
///
/// Behind its lock. Written on the curl thread, read by the task that keeps the cursor.
final class SSEProgress: Sendable {
    private struct State {
        /// The last id that can be sent; empty when there is none.
        var lastEventID = ""
        var hasBegun = false
        /// Ids in the order they came, each with the position behind which everything it covers is.
        var pending: [(position: Position, id: String)] = []
        /// Of the last event that was sent.
        var position = Position.start
        /// The server's wish for the time between two connections.
        var retry: Duration?
        /// When the first of the connections since the last working one was lost.
        var lostAt: ContinuousClock.Instant?
        var changes: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Whether an id can be sent as a header and kept by a ``CursorStore``.
    static func isUsable(_ id: String) -> Bool {
        CurlRequest.isHeaderValue(id) && id.utf8.count <= 4096
    }

    /// Where to go on; the first time that is what `stored` gives.
    func resumePoint(stored: () -> String?) -> String {
        self.state.withLock { state in
            if !state.hasBegun {
                state.hasBegun = true
                state.lastEventID = stored().flatMap { Self.isUsable($0) ? $0 : nil } ?? ""
            }
            return state.lastEventID
        }
    }

    /// The stream is there.
    ///
    /// - Returns: how long it was not, when there was one before.
    func connected() -> Duration? {
        self.state.withLock { state in
            defer { state.lostAt = nil }
            return state.lostAt?.duration(to: .now)
        }
    }

    /// The stream has ended after it was there.
    func lost() {
        self.state.withLock { $0.lostAt = $0.lostAt ?? .now }
    }

    /// The server's wish for the time between two connections.
    var retry: Duration? {
        get { self.state.withLock { $0.retry } }
        set { self.state.withLock { $0.retry = newValue } }
    }

    /// Something was sent.
    ///
    /// - Parameters:
    ///   - position: of the last event that was sent; `nil` when there was none since the last call.
    ///   - id: the last event id now, which ``isUsable(_:)``; `nil` leaves the one before in place.
    func received(upTo position: Position?, id: String?) {
        let changes: AsyncStream<Void>.Continuation? = self.state.withLock { state in
            if let position { state.position = position }
            guard let id, id != state.lastEventID else { return nil }
            state.lastEventID = id
            // A slow sink may leave thousands waiting; then the last one waits for the newest.
            if state.pending.count >= 1024 { state.pending.removeLast() }
            state.pending.append((state.position, id))
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

    /// Takes the ids that are safe.
    ///
    /// - Returns: the newest of them.
    func take(safe: Position) -> String? {
        self.state.withLock { state in
            let count = state.pending.firstIndex { $0.position > safe } ?? state.pending.count
            guard count > 0 else { return nil }
            let id = state.pending[count - 1].id
            state.pending.removeFirst(count)
            return id
        }
    }
}
