package import BridgeCore
import Logging
import Synchronization

/// How a stream continues what an earlier run of the program has published.
extension SSESink {
    /// Fills the stream's memory with the events that the log still holds, before the first `run`.
    package func restore(_ history: SinkHistory) async {
        let restoring = SSERestoring(history, of: self.stream)
        let restore: @Sendable () -> Void = { [hub = self.hub, stream = self.stream] in
            hub.restore(stream, restoring.batches, forgotten: history.forgotten, snapshot: restoring.snapshot)
        }
        if self.isStaged { self.restoring.withLock { $0 = restore } } else { restore() }
        if !restoring.changes.isEmpty { self.restoredChanges.withLock { $0 = restoring.changes } }
        guard !history.unreadableSnapshot.isEmpty else { return }
        self.logger.error(
            "Unreadable events removed from the snapshot", metadata: ["count": "\(history.unreadableSnapshot.count)"])
    }
}
