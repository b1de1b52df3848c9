import BridgeCore
import Synchronization

/// Cursors that live as long as the test.
///
/// Thread-safe.
package final class MemoryCursorStore: CursorStore {
    private let cursors = Mutex<[String: String]>([:])

    package init() {}

    package func cursor(of source: String) -> String? {
        self.cursors.withLock { $0[source] }
    }

    package func move(_ cursor: String, of source: String) throws {
        self.cursors.withLock { $0[source] = cursor }
    }
}
