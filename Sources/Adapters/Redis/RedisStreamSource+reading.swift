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
                    // A waiting read is cancelled immediately: its entries stay on the server.
                    group.addTask { try await outlet.untilStopping() }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        } catch {
            // The server may end the connection in the meantime; sent entries must still be acknowledged.
            guard outlet.isStopping, !Task.isCancelled else { throw error }
        }
    }

    func readGroup(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        while !outlet.isStopping {
            let canCreate = try await self.establish(group, connection, outlet)
            outlet.connected()
            self.recovery.passed(.connected, at: connection.peer)
            do {
                try await self.readMember(group, connection, outlet, done)
            } catch let error as GroupIsGone {
                guard canCreate else { throw self.missing(group, connection.peer) }
                self.groupLog.note(["error": "\(error.text)"])
            }
        }
    }

    /// Reads as a member of an existing group: its own backlog, idle entries of others, then new entries.
    private func readMember(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        // The answer to an acknowledgement may have been lost with a connection: the server no longer lists those
        // entries.
        for (position, ids) in self.pending.withLock({ $0.unacknowledged() }) {
            done(SentBatch(position: position, ids: ids, place: nil))
        }
        try await self.readBacklog(group, connection, outlet, done)
        var lastClaim: ContinuousClock.Instant?
        try await self.reportTrimmed(group, connection, outlet, whenUncertain: true)
        var isBehind = false
        var pacing = RedisReadPacing(block: self.configuration.block)
        while !outlet.isStopping {
            if lastClaim.map({ .now - $0 >= self.configuration.claimAfter / 2 }) ?? true {
                try await self.claim(group, connection, outlet, done)
                try await self.removeIdleConsumers(group, connection)
                lastClaim = .now
            }
            if isBehind { try await self.reportTrimmed(group, connection, outlet, whenUncertain: false) }
            let start = ContinuousClock.now
            let entries = try await self.readNew(group, connection)
            self.recovery.passed(.working, at: connection.peer)
            try await self.wait(pacing.answered(isEmpty: entries.isEmpty, after: .now - start), connection.peer)
            isBehind = try await self.send(entries, connection, outlet, done, isNew: true)
            if entries.count >= self.batch { isBehind = true }
            self.readWasAnswered()
            if let last = entries.last { self.sent.withLock { $0 = last.id } }
        }
    }

    private func readNew(_ group: String, _ connection: RedisConnection) async throws -> [RedisStreamEntry] {
        let reply = try await connection.command(
            "XREADGROUP", "GROUP", group, self.consumer, "COUNT", String(self.batch), "BLOCK",
            String(self.configuration.block.milliseconds), "STREAMS", self.configuration.stream, ">"
        )
        // The stream was deleted during the read, or has moved to another node of a cluster: the next read reports it.
        if case .error(let text) = reply, text.hasPrefix("UNBLOCKED") { return [] }
        try Self.checkGroup(reply, connection.peer)
        return try Self.entries(reply, to: "XREADGROUP", connection.peer)
    }
}
