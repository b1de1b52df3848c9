import Synchronization

/// Keeps the sources' cursors in the log on disk, so that they move together with what they stand for.
///
/// Thread-safe. A cursor that has moved is written with the next group of changes; a crash before that leaves the old one, and what the peer
/// then sends again is recognised or delivered twice, never missed.
package final class LogCursors: CursorStore {
    private let state: Mutex<State>
    private let older: (any CursorStore)?

    /// - Parameters:
    ///   - cursors: by the name of the source.
    ///   - older: asked for sources that have none.
    package init(_ cursors: [String: String], older: (any CursorStore)? = nil) {
        self.state = Mutex(State(known: cursors))
        self.older = older
    }

    package func cursor(of source: String) -> String? {
        self.state.withLock { $0.known[source] } ?? self.older?.cursor(of: source)
    }

    package func move(_ cursor: String, of source: String) throws {
        self.state.withLock { state in
            state.known[source] = cursor
            state.moved[source] = cursor
        }
    }

    package func whenKept(_ body: @escaping @Sendable () -> Void) {
        let isKept = self.state.withLock { state in
            if !state.moved.isEmpty {
                state.waiting.append(Waiter(call: body))
            } else if state.isBeingKept {
                state.nearlyKept.append(Waiter(call: body))
            } else {
                return true
            }
            return false
        }
        if isKept { body() }
    }

    /// Those that have moved since the last call; ``kept()`` follows once they are written.
    func takeMoved() -> [String: String] {
        self.state.withLock { state in
            guard !state.moved.isEmpty else { return [:] }
            let moved = state.moved
            state.moved.removeAll(keepingCapacity: true)
            state.isBeingKept = true
            state.nearlyKept += state.waiting
            state.waiting.removeAll()
            return moved
        }
    }

    /// What was taken is written.
    func kept() {
        let waiters = self.state.withLock { state in
            defer { state.nearlyKept.removeAll() }
            state.isBeingKept = false
            return state.nearlyKept
        }
        for waiter in waiters { waiter.call() }
    }

    /// What was taken could not be written: it is taken again, unless it has moved on since.
    func notKept(_ moved: [String: String]) {
        self.state.withLock { state in
            state.moved.merge(moved) { newer, _ in newer }
            state.isBeingKept = false
            state.waiting = state.nearlyKept + state.waiting
            state.nearlyKept.removeAll()
        }
    }

    private struct State {
        var known: [String: String]
        var moved: [String: String] = [:]
        /// What was taken last is not written yet.
        var isBeingKept = false
        /// Waits for what has moved since, and for what is being written.
        var waiting: [Waiter] = []
        var nearlyKept: [Waiter] = []
    }

    private struct Waiter {
        let call: @Sendable () -> Void
    }
}
