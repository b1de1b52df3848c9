import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Keeps what is in hand from being claimed by others while it waits to become safe, until cancelled.
    ///
    /// Their idle time is reset three times within ``Configuration/claimAfter``. JUSTID leaves the number of deliveries as it is.
    func hold(_ group: String, _ connection: RedisConnection) async throws {
        let interval = self.configuration.claimAfter / 3
        while true {
            try await Task.sleep(for: interval)
            guard !self.inFlight.withLock({ $0.isEmpty }) else { continue }
            do {
                try await self.touch(group, connection)
            } catch is GroupIsGone {
                // The reader creates it again and tells.
            }
        }
    }

    /// Resets the idle time of what is in hand and still this consumer's; what others have claimed meanwhile stays theirs.
    ///
    /// What was taken over from another is given back that delivery: it was no harm to this program, which only waits with it.
    private func touch(_ group: String, _ connection: RedisConnection) async throws {
        let stream = self.configuration.stream
        var from = "-"
        while true {
            let reply = try await connection.command("XPENDING", stream, group, from, "+", "1000", self.consumer)
            try Self.checkGroup(reply, connection.peer)
            let pending = RedisPendingEntry.entries(reply)
            let held = self.inFlight.withLock { inFlight in pending.filter { inFlight[$0.id] != nil } }
            let outlived = self.takenOver.withLock { taken in held.filter { taken.contains($0.id) } }
            for (deliveries, entries) in Dictionary(grouping: outlived, by: \.deliveries) {
                try await self.keep(entries.map(\.id), deliveries: max(1, deliveries - 1), group, connection)
            }
            self.takenOver.withLock { $0.subtract(outlived.map(\.id)) }
            let others = Set(held.map(\.id)).subtracting(outlived.map(\.id))
            try await self.keep(Array(others), group, connection)
            guard pending.count == 1000, let last = pending.last.flatMap({ RedisStreamID($0.id) }) else { return }
            from = last.next
        }
    }

    /// - Parameter deliveries: the number of deliveries from now on; `nil` leaves it.
    private func keep(_ ids: [String], deliveries: Int? = nil, _ group: String, _ connection: RedisConnection) async throws {
        guard !ids.isEmpty else { return }
        var words = ["XCLAIM", self.configuration.stream, group, self.consumer, "0"] + ids
        if let deliveries { words += ["RETRYCOUNT", String(deliveries)] }
        var command = ByteBuffer()
        RedisCommand.write(words + ["JUSTID"], to: &command)
        try Self.checkGroup(try await connection.send(command, replies: 1)[0], connection.peer)
    }
}
