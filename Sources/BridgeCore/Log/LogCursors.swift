import Synchronization

/// Keeps the sources' cursors in the log on disk, so that they move together with the events.
///
/// Thread-safe. A moved cursor is written with the next group of changes. A crash before that leaves the old one; the
/// peer then sends events again, which are recognised or delivered twice, never missed.
package final class LogCursors: CursorStore {
    private let state: Mutex<State>
    private let written: Timestamp?
    private let older: (any CursorStore)?

    /// - Parameters:
    ///   - cursors: by the name of the source.
    ///   - written: when one of them was last written.
    ///   - older: a store with cursors from before there was a log on disk. It is used for sources that have none here,
    ///     and for those whose cursor has moved there since, while the log was not configured.
    package init(_ cursors: [String: String], written: Timestamp? = nil, older: (any CursorStore)? = nil) {
        self.state = Mutex(State(known: cursors, unmoved: Set(cursors.keys)))
        self.written = written
        self.older = older
    }

    /// Returns the source's cursor, or that of the older store where it has moved since this log was last written.
    package func cursor(of source: String) -> String? {
        let newer = self.newer(of: source)
        let known = self.state.withLock { state in
            if let newer, state.unmoved.contains(source) { state.move(newer, of: source) }
            return state.known[source]
        }
        return known ?? self.older?.cursor(of: source)
    }

    /// The cursor of the older store, if it has moved since this log was last written.
    private func newer(of source: String) -> String? {
        guard let written, let older = self.older as? any DatedCursorStore, let time = older.time(of: source), time > written
        else {
            return nil
        }
        return older.cursor(of: source)
    }

    /// Moves the source's cursor in memory; the next group of changes writes it.
    ///
    /// Never throws.
    package func move(_ cursor: String, of source: String) throws {
        self.state.withLock { $0.move(cursor, of: source) }
    }

    /// Calls `body` once every cursor moved up to now is written; immediately when none waits.
    ///
    /// Otherwise it runs on the log's thread.
    package func onceKept(_ body: @escaping @Sendable () -> Void) {
        let isKept = self.state.withLock { state in
            if !state.moved.isEmpty {
                state.waiting.append(body)
            } else if state.isBeingKept {
                state.nearlyKept.append(body)
            } else {
                return true
            }
            return false
        }
        if isKept { body() }
    }

    /// The cursors moved since the last call; ``kept()`` follows once they are written.
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

    /// Records that the cursors from ``takeMoved()`` are written.
    func kept() {
        let waiters = self.state.withLock { state in
            defer { state.nearlyKept.removeAll() }
            state.isBeingKept = false
            return state.nearlyKept
        }
        for body in waiters { body() }
    }

    private struct State {
        var known: [String: String]
        /// The sources whose cursors are those of an earlier run.
        var unmoved: Set<String>
        var moved: [String: String] = [:]
        /// Whether the last ones taken are still being written.
        var isBeingKept = false
        /// Callbacks for cursors that have moved since, and for those being written.
        var waiting: [@Sendable () -> Void] = []
        var nearlyKept: [@Sendable () -> Void] = []

        mutating func move(_ cursor: String, of source: String) {
            self.known[source] = cursor
            self.moved[source] = cursor
            self.unmoved.remove(source)
        }
    }
}
