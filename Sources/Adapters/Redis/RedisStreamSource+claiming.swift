import BridgeCore
import NIOCore
import Synchronization

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
            try Self.checkGroup(reply, connection.peer)
            guard let parts = reply.items, parts.count >= 2 else { return }
            let entries = try await self.counted(RedisStreamEntry.entries(parts[1]), group, connection)
            try await self.send(entries, connection, outlet, done, isNew: false)
            // Since Redis 7 the server drops entries that are deleted from the list of pending ones by itself, and says so.
            if parts.count > 2 {
                let gone = (parts[2].items ?? []).compactMap(\.text)
                // What is in hand was read before it was deleted, or is told already.
                self.tellVanished(self.inFlight.withLock { inFlight in gone.filter { inFlight[$0] == nil } }, outlet)
            }
            from = parts[0].text ?? "0-0"
        } while from != "0-0" && !outlet.isStopping
    }

    /// Adds how often entries were handed out, where that matters.
    private func counted(
        _ entries: [RedisStreamEntry], _ group: String, _ connection: RedisConnection
    ) async throws -> [RedisStreamEntry] {
        guard self.countsDeliveries, !entries.isEmpty else { return entries }
        var commands = ByteBuffer()
        for entry in entries {
            RedisCommand.write(["XPENDING", self.configuration.stream, group, entry.id, entry.id, "1"], to: &commands)
        }
        self.takenOver.withLock { $0.formUnion(entries.map(\.id)) }
        var counted = entries
        for (index, reply) in try await connection.send(commands, replies: entries.count).enumerated() {
            try Self.checkGroup(reply, connection.peer)
            counted[index].deliveries = RedisPendingEntry.entries(reply).first?.deliveries
        }
        return counted
    }
}
