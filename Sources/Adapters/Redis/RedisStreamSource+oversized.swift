import BridgeCore

extension RedisStreamSource {
    /// Reads one entry by a separate command, because it was skipped in an answer that was too large in total.
    ///
    /// A member of a group may use XRANGE anyway; without a group, XREAD is the only required command.
    ///
    /// - Returns: the entry; without fields if it is deleted by now, and as too large if it exceeds the limit by
    ///   itself.
    func readAlone(_ entry: RedisStreamEntry, _ connection: RedisConnection) async throws -> RedisStreamEntry {
        let stream = self.configuration.stream
        let entries: [RedisStreamEntry]
        if self.configuration.group != nil {
            let reply = try await connection.command("XRANGE", stream, entry.id, entry.id)
            try RedisFailure.check(reply, connection.peer)
            entries = RedisStreamEntry.entries(reply)
        } else {
            let before = RedisStreamID(entry.id)?.previous ?? "0-0"
            let answer = try await connection.command("XREAD", "COUNT", "1", "STREAMS", stream, before)
            try RedisFailure.check(answer, connection.peer)
            entries = try Self.entries(answer, to: "XREAD", connection.peer)
        }
        guard var found = entries.first(where: { $0.id == entry.id }) else {
            var deleted = RedisStreamEntry(id: entry.id, fields: nil)
            deleted.deliveries = entry.deliveries
            return deleted
        }
        found.deliveries = entry.deliveries
        // It is now the whole answer.
        if let omission = found.omission { found.omission = RedisOmission(.alone, omission.reason) }
        return found
    }
}
