import Logging
import PollThread

/// The writer of a log on disk with its thread: what a ``Bridge`` starts first and ends last.
struct LogWriting: Sendable {
    let writer: LogWriter
    let health: LogHealth
    private let thread: PollThread
    private let isStopped = Flag()

    init(
        _ durable: DurableLog, log: DeliveryLog, table: RouteTable, sinks: [String], metrics: Metrics, logger: Logger
    ) {
        let health = LogHealth(metrics: metrics)
        self.thread = durable.thread
        self.health = health
        health.tell(of: durable.contents.letters.unreadable, logger)
        self.writer = LogWriter(
            store: durable.store, log: log, cursors: durable.cursors, table: table,
            health: health, names: sinks, thread: durable.thread, logger: logger
        )
    }

    /// Writes until ``stop(_:)``.
    func start() -> Task<Void, Never> {
        let (writer, isStopped) = (self.writer, self.isStopped)
        return Task { await writer.run(until: { isStopped.isSet }) }
    }

    /// Has everything written that there is, and ends the store and the thread.
    func stop(_ task: Task<Void, Never>) async {
        self.isStopped.set()
        self.thread.wake()
        await task.value
        await self.writer.close()
        self.thread.stop()
    }
}
