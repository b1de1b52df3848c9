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
            // Acknowledging goes on beside this: what the answer names may be acknowledged before the answer is read.
            let held = self.inFlight.withLock { $0 }
            let reply = try await connection.command(
                "XAUTOCLAIM", self.configuration.stream, group, self.consumer, idle, from, "COUNT",
                String(self.configuration.batch)
            )
            try Self.checkGroup(reply, connection.peer)
            guard let parts = reply.items, parts.count >= 2 else { return }
            let claimed = self.inFlight.withLock { inFlight in
                RedisStreamEntry.entries(parts[1]).filter { held[$0.id] == nil || inFlight[$0.id] != nil }
            }
            try await self.send(try await self.counted(claimed, group, connection), connection, outlet, done, isNew: false)
            // Since Redis 7 the server drops entries that are deleted from the list of pending ones by itself, and says so.
            if parts.count > 2 {
                let gone = (parts[2].items ?? []).compactMap(\.text)
                // What is in hand was read before it was deleted, or is told already.
                let inHand = self.inFlight.withLock { $0 }
                self.tellVanished(gone.filter { held[$0] == nil && inHand[$0] == nil }, outlet)
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
