/// Passes on what the tools of routes keep, when it is due.
struct FlowTimer: Sendable {
    let log: DeliveryLog
    let clock: WallClock

    /// - Throws: `CancellationError`, its only end.
    func run() async throws {
        let log = self.log
        while true {
            let due = try await log.flowSignal.wait { log.flowDue }
            let now = self.clock.now()
            if due <= now {
                log.apply(.runTools(now))
                continue
            }
            try await race(
                { try await self.clock.wait(due) },
                { try await log.flowSignal.wait { log.flowDue.map { $0 < due } ?? true } })
        }
    }
}
