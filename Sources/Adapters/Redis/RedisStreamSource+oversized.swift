import BridgeCore

extension RedisStreamSource {
    /// Reads one entry by a command of its own, because it was left out of an answer that was too large in all.
    ///
    /// A member of a group may use XRANGE anyway; without a group XREAD is the one command that is needed.
    ///
    /// - Returns: the entry; without fields when it is deleted by now, and as too large when it is that by itself.
    func readAlone(_ entry: RedisStreamEntry, _ connection: RedisConnection) async throws -> RedisStreamEntry {
        let stream = self.configuration.stream
        let reply: RedisReply
        if self.configuration.group != nil {
            reply = try await connection.command("XRANGE", stream, entry.id, entry.id)
            try RedisFailure.check(reply, connection.peer)
        } else {
            let before = RedisStreamID(entry.id)?.previous ?? "0-0"
            let answer = try await connection.command("XREAD", "COUNT", "1", "STREAMS", stream, before)
            try RedisFailure.check(answer, connection.peer)
            reply = Self.only(answer)
        }
        guard var found = RedisStreamEntry.entries(reply).first(where: { $0.id == entry.id }) else {
            var deleted = RedisStreamEntry(id: entry.id, fields: nil)
            deleted.deliveries = entry.deliveries
            return deleted
        }
        found.deliveries = entry.deliveries
        // By itself it is the whole answer.
        if let omission = found.omission { found.omission = RedisOmission(.alone, omission.reason) }
        return found
    }
}
