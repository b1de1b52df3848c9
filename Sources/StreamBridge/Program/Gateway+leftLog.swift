import BridgeConfiguration
import BridgeCore
import Logging
import SQLiteLog

extension Gateway {
    /// Tells of what is left in the log that stands where logs stand unless the file says otherwise, when the file has another or none.
    ///
    /// Where else a log may have been the program cannot know.
    func warnOfLeftLog(_ logger: Logger) {
        guard let directory = self.plan.service.stateDirectory else { return }
        let path = "\(directory)/events.db"
        var own: String?
        if case .disk(let settings) = self.plan.log { own = settings.path }
        do {
            guard let left = try LeftLog.find(at: path, besides: own) else { return }
            logger.warning(
                """
                A log that the file no longer has holds what was not delivered, and nobody delivers it; have it back with \
                log: {kind: sqlite, path: ...}, or move it away
                """,
                metadata: ["path": "\(path)", "undelivered": "\(left.undelivered)", "dead_letters": "\(left.letters)"]
            )
        } catch {
            logger.warning(
                "A log that the file no longer has cannot be read", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }
}
