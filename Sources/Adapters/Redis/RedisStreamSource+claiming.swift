import BridgeCore

extension RedisStreamSource {
    /// Takes over what other consumers have left for too long.
    func claim(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = "0-0"
        let idle = String(self.configuration.claimAfter.milliseconds)
        repeat {
            let reply = try await connection.command(
                "XAUTOCLAIM", self.configuration.stream, group, self.consumer, idle, from, "COUNT",
                String(self.configuration.batch)
            )
            try RedisFailure.check(reply, connection.peer)
            guard let parts = reply.items, parts.count >= 2 else { return }
            try await self.send(RedisStreamEntry.entries(parts[1]), connection, outlet, done, isNew: false)
            from = parts[0].text ?? "0-0"
        } while from != "0-0" && !outlet.isStopping
    }
}
