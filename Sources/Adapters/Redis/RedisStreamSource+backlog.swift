import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Reads entries that were delivered to this consumer before and are not acknowledged.
    ///
    /// Does not use XREADGROUP, for which each start would count as a delivery: pending entries would exceed
    /// `max_deliveries` after some restarts without any attempt.
    func readBacklog(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = "-"
        while !outlet.isStopping {
            let reply = try await connection.command(
                "XPENDING", self.configuration.stream, group, from, "+", String(self.batch), self.consumer
            )
            try Self.checkGroup(reply, connection.peer)
            let pending = RedisPendingEntry.entries(reply)
            guard let last = pending.last else { return }
            try Self.checkProgress(of: "XPENDING", from: from, to: last.id, isIncluded: true, connection.peer)
            try await self.send(try await self.kept(pending, group, connection), connection, outlet, done, isNew: false)
            guard let id = RedisStreamID(last.id) else { return }
            from = id.next
        }
    }

    /// Reads the content of pending entries and resets their idle time; skips those that another consumer has claimed
    /// in the meantime.
    func kept(
        _ pending: [RedisPendingEntry], _ group: String, _ connection: RedisConnection
    ) async throws -> [RedisStreamEntry] {
        let stream = self.configuration.stream
        var reads = ByteBuffer()
        for entry in pending { RedisCommand.write(["XRANGE", stream, entry.id, entry.id], to: &reads) }
        var found: [RedisStreamEntry] = []
        for (entry, reply) in zip(pending, try await connection.send(reads, replies: pending.count)) {
            try RedisFailure.check(reply, connection.peer)
            found.append(RedisStreamEntry(entry, content: reply))
        }
        // Since Redis 7, claiming a deleted entry removes it from the pending ones before its loss is reported.
        let there = zip(pending, found).filter { $1.fields != nil }.map { $0.0 }
        guard !there.isEmpty else { return found }
        var claims = ByteBuffer()
        for entry in there {
            // The idle time has grown since it was read, unless another consumer has claimed the entry. JUSTID does not
            // change the count.
            RedisCommand.write(
                ["XCLAIM", stream, group, self.consumer, String(entry.idle), entry.id, "JUSTID"], to: &claims
            )
        }
        var others: Set<String> = []
        for (entry, reply) in zip(there, try await connection.send(claims, replies: there.count)) {
            try Self.checkGroup(reply, connection.peer)
            // Claiming our own entry also fails if it was kept alive just now.
            if reply.items?.isEmpty != false, !self.pending.withLock({ $0.contains(entry.id) }) { others.insert(entry.id) }
        }
        return found.filter { !others.contains($0.id) }
    }
}
