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

    /// Those that have moved since the last call.
    func takeMoved() -> [String: String] {
        self.state.withLock { state in
            defer { state.moved.removeAll(keepingCapacity: true) }
            return state.moved
        }
    }

    private struct State {
        var known: [String: String]
        var moved: [String: String] = [:]
    }
}
