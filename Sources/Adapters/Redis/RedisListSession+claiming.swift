import BridgeCore
import Logging
import Synchronization

extension RedisListSession {
    /// How many processing lists are looked at.
    private static let mostRegistered = 1000
    /// How long the name of a processing list that was taken over cannot be used: longer than a command of a lost
    /// connection can be on its way.
    private static let fence = Duration.seconds(3600)

    /// The time of the server in milliseconds, the same for all readers.
    func serverTime(_ connection: RedisConnection) async throws -> Int {
        let reply = try await connection.command("TIME")
        try self.check(reply)
        guard let items = reply.items, items.count == 2, let seconds = items[0].text.flatMap({ Int($0) }),
            let microseconds = items[1].text.flatMap({ Int($0) }), (0..<1 << 40).contains(seconds)
        else {
            throw ComponentError(.protocolViolation, "\(self.peer) answers TIME with something other than a time")
        }
        return seconds * 1000 + microseconds / 1000
    }

    // MARK: Signs of life

    /// Gives signs of life until cancelled.
    func giveSignsOfLife() async throws {
        let interval = self.lease.withLock { $0.interval }
        while true {
            try await Task.sleep(for: interval)
            try await self.giveSignOfLife()
        }
    }

    /// Records in the registry that this reader is alive.
    ///
    /// - Throws: `ComponentError` when another reader has taken over.
    func giveSignOfLife() async throws {
        let sent = ContinuousClock.now
        let time = String(try await self.serverTime(self.remover))
        for former in self.former.withLock({ $0 }) {
            try await self.checkRegistry(
                try await self.remover.command("ZADD", self.keys.registry, "XX", time, former.key), self.remover)
        }
        let changed = try await self.remover.command("ZADD", self.keys.registry, "XX", "CH", time, self.key)
        try await self.checkRegistry(changed, self.remover)
        // Also unchanged within one millisecond of the server.
        if changed == .integer(0) {
            let score = try await self.remover.command("ZSCORE", self.keys.registry, self.key)
            try self.check(score)
            guard score != .null else { throw self.takenOver }
        }
        self.lease.withLock { $0.renewed(sent: sent) }
    }

    /// - Throws: for any error answer to a command for the registry; see ``checkRegistry(_:)``.
    private func checkRegistry(_ reply: RedisReply, _ connection: RedisConnection) async throws {
        if case .error(let text) = reply, text.hasPrefix("WRONGTYPE") { try await self.checkRegistry(connection) }
        try self.check(reply)
    }

    /// - Throws: ``RedisListError`` when the registry exists and is not a sorted set.
    func checkRegistry(_ connection: RedisConnection) async throws {
        let reply = try await connection.command("TYPE", self.keys.registry)
        try self.check(reply)
        guard let type = reply.text, type != "zset", type != "none" else { return }
        throw RedisListError(
            "\(self.keys.registry) at \(self.peer) is of the type \(type), but the readers of the list \(self.keys.list) keep a sorted "
                + "set there; rename that key, or delete it")
    }

    // MARK: Taking over

    /// Takes over the processing lists of readers that are gone, and at the start those of this consumer.
    func takeOver(_ connection: RedisConnection, isStart: Bool) async throws {
        let now = try await self.serverTime(connection)
        let reply = try await connection.command(
            "ZRANGE", self.keys.registry, "0", String(Self.mostRegistered - 1), "WITHSCORES")
        try await self.checkRegistry(reply, connection)
        let items = reply.items ?? []
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            guard let member = items[index].text, let score = items[index + 1].text.flatMap({ Double($0) }) else { continue }
            let isCurrent = member == self.key || self.former.withLock { $0.contains { $0.key == member } }
            guard !isCurrent, self.keys.isProcessing(member) else { continue }
            let isOwn = self.keys.isProcessing(member, of: self.reading.consumer)
            let isGone = Double(now) - score >= Double(self.reading.claimAfter.milliseconds)
            guard isOwn && isStart || isGone else { continue }
            if !isOwn {
                self.logger.notice("Taking over messages of another reader", metadata: ["key": "\(member)"])
            }
            try await self.takeOver(member, isOwn: isOwn, now: now, connection)
        }
    }

    /// Renames a processing list, and makes its old name unusable for its reader.
    private func takeOver(_ member: String, isOwn: Bool, now: Int, _ connection: RedisConnection) async throws {
        // Its reader may use the name again between two commands, but not endlessly.
        for _ in 0..<3 {
            let type = try await connection.command("TYPE", member)
            try self.check(type)
            switch type.text {
            case "list":
                let target = self.keys.processing(self.reading.consumer, session: .random(in: 0...UInt64.max))
                // Registered first: a crash loses no list.
                try self.check(try await connection.command("ZADD", self.keys.registry, String(now), target))
                self.former.withLock { $0.append(Former(key: target, isOwn: isOwn)) }
                let renamed = try await connection.command("RENAMENX", member, target)
                // Another reader was faster.
                if case .error(let text) = renamed, text.hasPrefix("ERR no such key") { continue }
                try self.check(renamed)
            case "none":
                guard try await self.fence(member, connection) else { continue }
                try self.check(try await connection.command("ZREM", self.keys.registry, member))
                return
            default:
                try self.check(try await connection.command("ZREM", self.keys.registry, member))
                return
            }
        }
    }

    /// Makes an unused name unusable as a list.
    ///
    /// - Returns: false if the name is used.
    private func fence(_ key: String, _ connection: RedisConnection) async throws -> Bool {
        let reply = try await connection.command(
            "SET", key, "taken over", "EX", String(Self.fence.milliseconds / 1000), "NX")
        try self.check(reply)
        return reply != .null
    }

    /// Forgets a processing list that was taken over and is empty.
    func finish(_ former: Former) async throws {
        try self.check(try await self.reader.command("ZREM", self.keys.registry, former.key))
        self.former.withLock { $0.removeAll { $0 == former } }
        self.forgetFormerIfDone()
    }

    /// Expects no more messages of this consumer's former sessions once their processing lists are empty.
    func forgetFormerIfDone() {
        guard !self.former.withLock({ $0.contains { $0.isOwn } }) else { return }
        self.state.processing.withLock { $0.forgetFormer() }
    }

    /// Ends the session: its processing list is empty, unless a message was moved at the last moment.
    ///
    /// Such a message stays registered for the next session.
    func retire() async throws {
        guard try await self.fence(self.key, self.remover) else { return }
        try self.check(try await self.remover.command("ZREM", self.keys.registry, self.key))
    }
}
