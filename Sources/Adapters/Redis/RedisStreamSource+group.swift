import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// The group does not exist.
    struct GroupIsGone: Error {
        let text: String
    }

    /// - Throws: ``GroupIsGone``, or `ComponentError` for any other error answer.
    static func checkGroup(_ reply: RedisReply, _ peer: String) throws {
        if case .error(let text) = reply, text.hasPrefix("NOGROUP") { throw GroupIsGone(text: text) }
        try RedisFailure.check(reply, peer)
    }

    /// Creates the group if necessary, and reports when it is not the one that was read before.
    ///
    /// A group that was deleted alone begins again at the last position of this consumer, also from an earlier run of
    /// the program. A recreated stream is read from its start.
    ///
    /// - Returns: whether the server allows creating the group.
    func establish(_ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet) async throws -> Bool {
        let stream = self.configuration.stream
        let known = self.sent.withLock { $0 } ?? self.keptPlace
        var start = self.configuration.start
        if let known { start = try await self.isBehind(known, connection) ? "0" : known }
        let created = try await connection.command("XGROUP", "CREATE", stream, group, start, "MKSTREAM")
        var isNew = true
        let canCreate = !RedisRequirements.isUnavailable(created)
        if case .error(let text) = created {
            guard text.hasPrefix("BUSYGROUP") || !canCreate else { throw RedisFailure.error(text, connection.peer) }
            isNew = false
        }
        let info = try await connection.command("XINFO", "GROUPS", stream)
        var last = "0-0"
        if RedisRequirements.isUnavailable(info) {
            // The position of an existing group is unknown here; a new one is at its configured start.
            guard let place = isNew && start != "$" ? start : known else {
                if isNew { self.pending.withLock { $0.forget() } }
                return canCreate
            }
            last = place
        } else if case .error(let text) = info, text.hasPrefix("ERR no such key"), !canCreate {
            return false
        } else {
            try RedisFailure.check(info, connection.peer)
            last = Self.group(group, in: info)?["last-delivered-id"]?.text ?? "0-0"
        }
        let isReset = RedisStreamID(last).flatMap { last in known.flatMap { RedisStreamID($0) }.map { last < $0 } } ?? false
        if let known, isNew || isReset {
            if isNew { self.pending.withLock { $0.forget() } }
            outlet.gap(
                .replacement,
                "the group \(group) of the stream \(stream) was lost at \(connection.peer) and begins again after \(last); "
                    + "entries after \(RedisStreamID.described(known)) and pending ones may be lost or delivered again",
                subject: stream
            )
        }
        if isNew || isReset { self.reportedLoss.withLock { [last] in $0 = last } }
        if known == nil || isNew || isReset { try self.keepPlace(last) }
        self.sent.withLock { [last] in $0 = last }
        return canCreate
    }

    /// The error for a missing group that the server does not let this bridge create.
    func missing(_ group: String, _ peer: String) -> ComponentError {
        let stream = self.configuration.stream
        return ComponentError(
            .rejected,
            "\(peer) has no group \(group) of the stream \(stream) and does not allow XGROUP CREATE; create it there: "
                + "XGROUP CREATE \(stream) \(group) \(self.configuration.start) MKSTREAM"
        )
    }

    /// The answer of XINFO GROUPS for one group.
    static func group(_ name: String, in reply: RedisReply) -> RedisFields? {
        let bytes = ByteBuffer(string: name)
        return (reply.items ?? []).lazy.map { RedisFields($0) }.first { $0["name"]?.bytes == bytes }
    }

    /// Whether the stream is missing or was recreated, so that its last id is before one that was read.
    private func isBehind(_ known: String, _ connection: RedisConnection) async throws -> Bool {
        let reply = try await connection.command("XINFO", "STREAM", self.configuration.stream)
        if case .error(let text) = reply, text.hasPrefix("ERR no such key") { return true }
        guard !RedisRequirements.isUnavailable(reply) else { return false }
        try RedisFailure.check(reply, connection.peer)
        guard let last = RedisFields(reply)["last-generated-id"]?.text.flatMap({ RedisStreamID($0) }) else { return false }
        return RedisStreamID(known).map { last < $0 } ?? false
    }
}
