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
    private func touch(_ group: String, _ connection: RedisConnection) async throws {
        let stream = self.configuration.stream
        var from = "-"
        while true {
            let reply = try await connection.command("XPENDING", stream, group, from, "+", "1000", self.consumer)
            try Self.checkGroup(reply, connection.peer)
            let pending = (reply.items ?? []).compactMap { $0.items?.first?.text }
            let held = self.inFlight.withLock { inFlight in pending.filter { inFlight[$0] != nil } }
            if !held.isEmpty {
                var command = ByteBuffer()
                RedisCommand.write(["XCLAIM", stream, group, self.consumer, "0"] + held + ["JUSTID"], to: &command)
                try Self.checkGroup(try await connection.send(command, replies: 1)[0], connection.peer)
            }
            guard pending.count == 1000, let last = pending.last else { return }
            from = "(\(last)"
        }
    }
}
