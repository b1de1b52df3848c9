import BridgeCore
import Logging

extension RedisStreamSource {
    /// Deletes long idle consumers of a group that have nothing pending, atomically: deleting a consumer loses its
    /// pending entries.
    private static let removal = """
        local removed = 0
        for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
            local fields = {}
            for index = 1, #consumer, 2 do fields[consumer[index]] = consumer[index + 1] end
            local is_meant
            if ARGV[3] == '' then is_meant = fields.name ~= ARGV[4] else is_meant = fields.name == ARGV[3] end
            if is_meant and fields.pending == 0 and fields.idle >= tonumber(ARGV[2]) then
                redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], fields.name)
                removed = removed + 1
            end
        end
        return removed
        """

    /// Removes this consumer at the end, unless its name is configured.
    func removeConsumer(_ group: String, _ connection: RedisConnection) async throws {
        guard self.configuration.consumer == nil else { return }
        try await self.remove(group, connection, idleFor: .zero, name: self.consumer)
    }

    /// Removes other consumers that are idle for longer than ``Configuration/removeIdleAfter``.
    func removeIdleConsumers(_ group: String, _ connection: RedisConnection) async throws {
        guard let idle = self.configuration.removeIdleAfter else { return }
        try await self.remove(group, connection, idleFor: idle, name: "")
    }

    private func remove(_ group: String, _ connection: RedisConnection, idleFor idle: Duration, name: String) async throws {
        let reply = try await connection.command(
            "EVAL", Self.removal, "1", self.configuration.stream, group, String(idle.milliseconds), name, self.consumer
        )
        switch reply {
        case .integer(let count) where count > 0:
            self.context.logger.info("Idle consumers removed", metadata: ["count": "\(count)"])
        case .error(let text):
            if let error = RedisFailure.connection(text, connection.peer), !text.hasPrefix("NOPERM") { throw error }
            // Scripts may be forbidden; a stale consumer does no harm.
            self.context.logger.info("Failed to remove idle consumers", metadata: ["error": "\(text)"])
        default: break
        }
    }
}
