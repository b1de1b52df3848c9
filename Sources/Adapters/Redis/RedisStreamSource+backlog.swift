import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Reads entries that this consumer was given before and has not acknowledged.
    ///
    /// Not with XREADGROUP, for which each start would be a further delivery: entries that wait for a sink would be given up after some
    /// restarts, though nobody has tried them.
    func readBacklog(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = "-"
        while !outlet.isStopping {
            let reply = try await connection.command(
                "XPENDING", self.configuration.stream, group, from, "+", String(self.configuration.batch), self.consumer
            )
            try Self.checkGroup(reply, connection.peer)
            let pending = RedisPendingEntry.entries(reply)
            guard let last = pending.last else { return }
            try await self.send(try await self.kept(pending, group, connection), connection, outlet, done, isNew: false)
            from = "(\(last.id)"
        }
    }

    /// Resets the idle time of pending entries and reads their content; leaves out what another consumer has claimed meanwhile.
    private func kept(
        _ pending: [RedisPendingEntry], _ group: String, _ connection: RedisConnection
    ) async throws -> [RedisStreamEntry] {
        let stream = self.configuration.stream
        var commands = ByteBuffer()
        for entry in pending {
            // Since the idle time was told it has grown, unless another has claimed the entry. JUSTID leaves the count as it is.
            RedisCommand.write(
                ["XCLAIM", stream, group, self.consumer, String(entry.idle), entry.id, "JUSTID"], to: &commands
            )
            RedisCommand.write(["XRANGE", stream, entry.id, entry.id], to: &commands)
        }
        let replies = try await connection.send(commands, replies: pending.count * 2)
        var kept: [RedisStreamEntry] = []
        for (index, entry) in pending.enumerated() {
            let claimed = replies[index * 2], content = replies[index * 2 + 1]
            try Self.checkGroup(claimed, connection.peer)
            try RedisFailure.check(content, connection.peer)
            // A server claims no entry that is deleted; one that is in hand may have been kept alive just now.
            if let found = RedisStreamEntry.entries(content).first {
                let isInHand = self.inFlight.withLock { $0[entry.id] != nil }
                guard isInHand || claimed.items?.isEmpty == false else { continue }
                kept.append(RedisStreamEntry(id: found.id, fields: found.fields, deliveries: entry.deliveries))
            } else {
                kept.append(RedisStreamEntry(id: entry.id, fields: nil, deliveries: entry.deliveries))
            }
        }
        return kept
    }
}
