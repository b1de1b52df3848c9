import BridgeCore
import Logging
import Synchronization

extension RedisStreamSource {
    func readUntilStopping(
        _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @escaping @Sendable (SentBatch) -> Void
    ) async throws {
        do {
            try await connection.whileOpen {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        if let name = self.configuration.group {
                            try await self.readGroup(name, connection, outlet, done)
                        } else {
                            try await self.readAll(connection, outlet, done)
                        }
                    }
                    // A read that waits is given up at once: what it would have brought stays with the server.
                    group.addTask { try await outlet.untilStopping() }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        } catch {
            // Giving up a read closes its connection, which may be told first; what was sent is still to be acknowledged.
            guard outlet.isStopping, !Task.isCancelled else { throw error }
        }
    }

    func readGroup(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        while !outlet.isStopping {
            let canCreate = try await self.establish(group, connection, outlet)
            outlet.connected()
            do {
                try await self.readMember(group, connection, outlet, done)
            } catch let error as GroupIsGone {
                guard canCreate else { throw self.missing(group, connection.peer) }
                self.context.logger.warning("Consumer group is gone", metadata: ["error": "\(error.text)"])
            }
        }
    }

    /// Reads as a member of a group that exists: the own backlog, what others have left, what is new.
    private func readMember(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        // The answer to an acknowledgement may have been lost with a connection: the server does not list those entries any more.
        for (position, ids) in self.pending.withLock({ $0.unacknowledged() }) {
            done(SentBatch(position: position, ids: ids, place: nil))
        }
        try await self.readBacklog(group, connection, outlet, done)
        var lastClaim: ContinuousClock.Instant?
        try await self.tellTrimmed(group, connection, outlet, whenUncertain: true)
        var isBehind = false
        while !outlet.isStopping {
            if lastClaim.map({ .now - $0 >= self.configuration.claimAfter / 2 }) ?? true {
                try await self.claim(group, connection, outlet, done)
                try await self.removeIdleConsumers(group, connection)
                lastClaim = .now
            }
            if isBehind { try await self.tellTrimmed(group, connection, outlet, whenUncertain: false) }
            let entries = RedisStreamEntry.entries(try await self.readNew(group, connection))
            isBehind = try await self.send(entries, connection, outlet, done, isNew: true)
            if entries.count >= self.batch { isBehind = true }
            self.readWasAnswered()
            if let last = entries.last { self.sent.withLock { $0 = last.id } }
        }
    }

    private func readNew(_ group: String, _ connection: RedisConnection) async throws -> RedisReply {
        let reply = try await connection.command(
            "XREADGROUP", "GROUP", group, self.consumer, "COUNT", String(self.batch), "BLOCK",
            String(self.configuration.block.milliseconds), "STREAMS", self.configuration.stream, ">"
        )
        // The stream was deleted while the read waited for it, or has moved to another node of a cluster: the next read tells.
        if case .error(let text) = reply, text.hasPrefix("UNBLOCKED") { return .null }
        try Self.checkGroup(reply, connection.peer)
        return Self.only(reply)
    }

    /// The entries of the one stream asked for.
    static func only(_ reply: RedisReply) -> RedisReply {
        reply.items?.first?.items.flatMap { $0.count > 1 ? $0[1] : nil } ?? .null
    }
}
