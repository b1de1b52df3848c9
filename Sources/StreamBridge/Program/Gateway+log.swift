import BridgeConfiguration
import BridgeCore
import HTTPServer
import Logging
import SQLiteLog
import UnixSignals

extension Gateway {
    /// Opens the log on disk and reads its contents; `nil` for a log in memory.
    ///
    /// - Parameter older: has the cursors of a time when there was no log on disk.
    /// - Throws: `LogError`.
    func openLog(bridge: String, older: any CursorStore, logger: Logger) throws -> DurableLog? {
        guard case .disk(let settings) = self.plan.log else { return nil }
        let (log, contents) = try SQLiteLog.open(settings, bridge: bridge, sinks: self.plan.sinks.map(\.name))
        let owed = contents.sinks.values.reduce(0) { $0 + $1.count }
        logger.notice(
            "Log opened",
            metadata: ["path": "\(settings.path)", "durability": "\(settings.durability)", "undelivered": "\(owed)"]
        )
        for (sink, count) in contents.orphans.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "Log holds events for a sink that was removed from the file; they and all later events stay until they exceed retain.age",
                metadata: ["sink": "\(sink)", "events": "\(count)"]
            )
        }
        return try DurableLog(store: log, contents: contents, older: older)
    }

    /// Opens the log as soon as its disk allows it.
    ///
    /// - Parameters:
    ///   - signals: registered before the program could be seen to run, so that none is missed.
    ///   - problem: called with each reason why it cannot be opened yet.
    /// - Returns: `nil` after a signal.
    /// - Throws: `LogError` for permanent failures.
    func untilLogOpens(
        _ open: @escaping @Sendable () throws -> DurableLog?, until signals: UnixSignalsSequence,
        problem: @escaping @Sendable (LogError) -> Void
    ) async throws -> DurableLog? {
        try await race(
            {
                var wait = Duration.milliseconds(250)
                while true {
                    try await Task.sleep(for: wait)
                    do {
                        return try open()
                    } catch let error as LogError where error.isTransient {
                        problem(error)
                        wait = min(wait * 2, .seconds(2))
                    }
                }
            },
            {
                for await _ in signals { break }
                return nil
            }
        )
    }
}
