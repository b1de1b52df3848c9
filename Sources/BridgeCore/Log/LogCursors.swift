import Synchronization

/// Keeps the sources' cursors in the log on disk, so that they move together with what they stand for.
///
/// Thread-safe. A cursor that has moved is written with the next group of changes; a crash before that leaves the old one, and what the peer
/// then sends again is recognised or delivered twice, never missed.
package final class LogCursors: CursorStore {
    private let state: Mutex<State>
    private let written: Timestamp?
    private let older: (any CursorStore)?

    /// - Parameters:
    ///   - cursors: by the name of the source.
    ///   - written: when one of them was last written.
    ///   - older: has the cursors of a time when there was no log on disk. Asked for sources that have none here, and for those that have
    ///     moved there since: the log was then away from the file for a while.
    package init(_ cursors: [String: String], written: Timestamp? = nil, older: (any CursorStore)? = nil) {
        self.state = Mutex(State(known: cursors, unmoved: Set(cursors.keys)))
        self.written = written
        self.older = older
    }

    package func cursor(of source: String) -> String? {
        let newer = self.newer(of: source)
        let known = self.state.withLock { state in
            if let newer, state.unmoved.contains(source) { state.move(newer, of: source) }
            return state.known[source]
        }
        return known ?? self.older?.cursor(of: source)
    }

    /// The cursor that has moved elsewhere while the log was away.
    private func newer(of source: String) -> String? {
        guard let written, let older = self.older as? any DatedCursorStore, let time = older.time(of: source), time > written
        else {
            return nil
        }
        return older.cursor(of: source)
    }

    package func move(_ cursor: String, of source: String) throws {
        self.state.withLock { $0.move(cursor, of: source) }
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
        /// The sources whose cursors are those of an earlier run.
        var unmoved: Set<String>
        var moved: [String: String] = [:]
        /// What was taken last is not written yet.
        var isBeingKept = false
        /// Waits for what has moved since, and for what is being written.
        var waiting: [Waiter] = []
        var nearlyKept: [Waiter] = []

        mutating func move(_ cursor: String, of source: String) {
            self.known[source] = cursor
            self.moved[source] = cursor
            self.unmoved.remove(source)
        }
    }

    private struct Waiter {
        let call: @Sendable () -> Void
    }
}
