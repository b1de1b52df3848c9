import BridgeCore
import Synchronization

/// Keeps cursors in memory for the duration of a test.
///
/// Thread-safe.
package final class MemoryCursorStore: CursorStore {
    private let cursors = Mutex<[String: String]>([:])

    /// Makes an empty store.
    package init() {}

    /// The cursor last moved for the source; `nil` before the first move.
    package func cursor(of source: String) -> String? {
        self.cursors.withLock { $0[source] }
    }

    /// Moves the cursor; never throws.
    package func move(_ cursor: String, of source: String) throws {
        self.cursors.withLock { $0[source] = cursor }
    }
}
