import BridgeConfiguration
import BridgeCore
import Logging
import SQLiteLog

extension Gateway {
    /// Warns about events left in the default log, when the file has another log or none.
    ///
    /// Logs at other paths are unknown.
    func warnOfAbandonedLog(_ logger: Logger) {
        guard let directory = self.plan.service.stateDirectory else { return }
        let path = "\(directory)/events.db"
        var own: String?
        if case .disk(let settings) = self.plan.log { own = settings.path }
        do {
            guard let left = try AbandonedLog.find(at: path, besides: own) else { return }
            logger.warning(
                """
                A log that was removed from the file holds undelivered events; restore it with \
                log: {kind: sqlite, path: ...}, or move it away
                """,
                metadata: ["path": "\(path)", "undelivered": "\(left.undelivered)", "dead_letters": "\(left.letters)"]
            )
        } catch {
            logger.warning(
                "Cannot read a log that was removed from the file", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }
}
