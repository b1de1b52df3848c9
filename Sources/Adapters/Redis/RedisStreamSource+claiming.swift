import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Takes over idle entries of other consumers.
    func claim(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        defer { self.pending.withLock { $0.endClaim() } }
        guard try await !self.claimAtOnce(group, connection, outlet, done) else { return }
        try await self.claimOneByOne(group, connection, outlet, done)
    }

    /// With XAUTOCLAIM.
    ///
    /// - Returns: false if the server lacks or forbids the command (before Redis 6.2).
    private func claimAtOnce(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws -> Bool {
        var from = "0-0"
        var namesAll = true
        let idle = String(self.configuration.claimAfter.milliseconds)
        repeat {
            // Acknowledging continues in the meantime: entries of the answer may be acknowledged before it is read.
            self.pending.withLock { $0.beginClaim() }
            let reply = try await connection.command(
                "XAUTOCLAIM", self.configuration.stream, group, self.consumer, idle, from, "COUNT", String(self.batch)
            )
            guard !RedisRequirements.isUnavailable(reply) else { return false }
            try Self.checkGroup(reply, connection.peer)
            guard let parts = reply.items, parts.count >= 2 else { return true }
            if parts[1].items?.contains(.null) == true { namesAll = false }
            let claimed = self.pending.withLock { $0.claimed(RedisStreamEntry.entries(parts[1])) }
            try await self.send(try await self.counted(claimed, group, connection), connection, outlet, done, isNew: false)
            // Since Redis 7 the server removes deleted entries from the pending ones itself, and lists them.
            if parts.count > 2 {
                let gone = (parts[2].items ?? []).compactMap(\.text)
                self.reportVanished(self.pending.withLock { $0.deleted(gone) }, outlet)
            }
            let next = parts[0].text ?? "0-0"
            if next != "0-0" { try Self.checkProgress(of: "XAUTOCLAIM", from: from, to: next, connection.peer) }
            from = next
        } while from != "0-0" && !outlet.isStopping
        // Redis 6.2 claims a deleted entry and answers null without its id; it is then in this consumer's pending list.
        if !namesAll { try await self.readBacklog(group, connection, outlet, done) }
        return true
    }

    /// With XPENDING, and an XCLAIM for each entry with a long idle time.
    private func claimOneByOne(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        let stream = self.configuration.stream
        let idle = self.configuration.claimAfter.milliseconds
        var from = "-"
        while !outlet.isStopping {
            self.pending.withLock { $0.beginClaim() }
            let reply = try await connection.command("XPENDING", stream, group, from, "+", String(self.batch))
            try Self.checkGroup(reply, connection.peer)
            let pending = RedisPendingEntry.entries(reply)
            guard let last = pending.last.flatMap({ RedisStreamID($0.id) }) else { return }
            try Self.checkProgress(
                of: "XPENDING", from: from, to: pending[pending.count - 1].id, isIncluded: true, connection.peer)
            let left = pending.filter { $0.idle >= idle }
            var claims = ByteBuffer()
            for entry in left {
                RedisCommand.write(["XCLAIM", stream, group, self.consumer, String(idle), entry.id], to: &claims)
            }
            var claimed: [RedisStreamEntry] = []
            for (entry, reply) in zip(left, left.isEmpty ? [] : try await connection.send(claims, replies: left.count)) {
                try Self.checkGroup(reply, connection.peer)
                // Another consumer was faster, or the entry is deleted and Redis 7 has removed it.
                guard let items = reply.items, !items.isEmpty else { continue }
                // Before Redis 7, claiming a deleted entry returns null.
                var taken = RedisStreamEntry(entry, content: reply)
                taken.deliveries = entry.deliveries + 1
                claimed.append(taken)
            }
            let unsettled = self.pending.withLock { $0.claimed(claimed) }
            try await self.send(unsettled, connection, outlet, done, isNew: false)
            from = last.next
        }
    }

    /// Adds the delivery counts of entries, if they matter.
    private func counted(
        _ entries: [RedisStreamEntry], _ group: String, _ connection: RedisConnection
    ) async throws -> [RedisStreamEntry] {
        guard self.countsDeliveries, !entries.isEmpty else { return entries }
        var commands = ByteBuffer()
        for entry in entries {
            RedisCommand.write(["XPENDING", self.configuration.stream, group, entry.id, entry.id, "1"], to: &commands)
        }
        var counted = entries
        for (index, reply) in try await connection.send(commands, replies: entries.count).enumerated() {
            try Self.checkGroup(reply, connection.peer)
            counted[index].deliveries = RedisPendingEntry.entries(reply).first?.deliveries
        }
        return counted
    }
}
