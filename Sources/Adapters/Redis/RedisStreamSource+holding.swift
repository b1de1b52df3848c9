import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Keeps entries from being claimed by others until they are safe and acknowledged; runs until cancelled.
    ///
    /// Their idle time is reset three times within ``Configuration/claimAfter``. JUSTID does not change the number of
    /// deliveries.
    func hold(_ group: String, _ connection: RedisConnection) async throws {
        let interval = self.configuration.claimAfter / 3
        while true {
            try await Task.sleep(for: interval)
            guard !self.pending.withLock({ $0.isEmpty }) else { continue }
            do {
                try await self.touch(group, connection)
            } catch is GroupIsGone {
                // The reader creates it again and reports the loss.
            }
        }
    }

    /// Resets the idle time of this consumer's unacknowledged entries; does not take back entries that others have
    /// claimed in the meantime.
    private func touch(_ group: String, _ connection: RedisConnection) async throws {
        let stream = self.configuration.stream
        var from = "-"
        while true {
            let reply = try await connection.command("XPENDING", stream, group, from, "+", "1000", self.consumer)
            try Self.checkGroup(reply, connection.peer)
            let pending = RedisPendingEntry.entries(reply)
            for keep in self.pending.withLock({ $0.keepAlive(pending) }) {
                try await self.keep(keep, group, connection)
                self.pending.withLock { $0.keptAlive(keep.ids) }
            }
            guard pending.count == 1000, let last = pending.last.flatMap({ RedisStreamID($0.id) }) else { return }
            try Self.checkProgress(of: "XPENDING", from: from, to: pending[999].id, isIncluded: true, connection.peer)
            from = last.next
        }
    }

    private func keep(_ keep: RedisPendingList.KeepAlive, _ group: String, _ connection: RedisConnection) async throws {
        var words = ["XCLAIM", self.configuration.stream, group, self.consumer, "0"] + keep.ids
        if let deliveries = keep.deliveries { words += ["RETRYCOUNT", String(deliveries)] }
        var command = ByteBuffer()
        RedisCommand.write(words + ["JUSTID"], to: &command)
        try Self.checkGroup(try await connection.send(command, replies: 1)[0], connection.peer)
    }
}
