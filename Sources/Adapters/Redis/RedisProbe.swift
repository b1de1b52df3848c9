package import BridgeCore
import NIOCore

/// Tries a Redis server with commands that change nothing.
struct RedisProbe {
    let settings: RedisSettings
    let context: ProbeContext
    /// The key that a cluster's node must serve.
    var key: String?
    /// Whether the component writes, which a replica refuses.
    var writes = false

    /// Connects, logs in, and calls `body`.
    ///
    /// - Throws: ``ComponentError``.
    func run(_ body: (RedisConnection) async throws -> String) async throws -> String {
        var settings = self.settings
        // A connection attempt does not end with its task.
        settings.connectTimeout = min(settings.connectTimeout, self.context.timeout)
        let connection = try await RedisConnection.open(
            settings, group: self.context.group, name: "streambridge-check", key: self.key)
        defer { connection.close() }
        if self.writes, case .array(let role) = try await connection.command("ROLE"), role.first?.text == "slave" {
            throw ComponentError(.rejected, "\(connection.peer) is a replica, which refuses writes; name the master")
        }
        return try await body(connection)
    }

    /// Queues a command in a transaction that is discarded: the server checks the user's rights before it queues.
    ///
    /// Stays at one server of a cluster, because a redirected command would be outside the transaction.
    ///
    /// - Returns: false where the user may not begin a transaction, so that nothing was sent.
    /// - Throws: ``ComponentError`` with the answer of the server.
    static func queue(_ words: [String], _ connection: RedisConnection) async throws -> Bool {
        func answer(_ words: [String]) async throws -> RedisReply {
            var buffer = ByteBuffer()
            RedisCommand.write(words, to: &buffer)
            return try await connection.exchange(buffer, replies: 1).all()[0]
        }
        // Without a transaction the command would be executed.
        guard try await answer(["MULTI"]).text == "OK" else { return false }
        try RedisFailure.check(try await answer(words), connection.peer)
        try RedisFailure.check(try await answer(["DISCARD"]), connection.peer)
        return true
    }

    /// Refuses a key of another type.
    static func check(_ key: String, is type: String, _ connection: RedisConnection) async throws {
        let reply = try await connection.command("TYPE", key)
        guard !RedisRequirements.isUnavailable(reply) else { return }
        try RedisFailure.check(reply, connection.peer)
        guard let found = reply.text, found != "none", found != type else { return }
        throw ComponentError(
            .rejected,
            "\(connection.peer) has a \(found) at '\(key)', and a \(type) is needed; name another key, or delete this one")
    }
}

extension RedisSource.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { "\(self.redis.location)" }

    /// Subscribes to each channel and pattern, or reads the first item of each list.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await RedisProbe(settings: self.redis, context: context, key: self.lists.first, writes: !self.lists.isEmpty).run {
            connection in
            for list in self.lists {
                try await RedisProbe.check(list, is: "list", connection)
                try RedisFailure.check(try await connection.command("LINDEX", list, "0"), connection.peer)
            }
            for (command, names) in [("SUBSCRIBE", self.channels), ("PSUBSCRIBE", self.patterns)] {
                for name in names { try RedisFailure.check(try await connection.command(command, name), connection.peer) }
            }
            return "may read \((self.channels + self.patterns + self.lists).prefix(5).joined(separator: ", "))"
        }
    }
}

extension RedisStreamSource.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { "\(self.redis.location)" }

    /// Reads nothing of the stream, or looks at the pending list of the group.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await RedisProbe(settings: self.redis, context: context, key: self.stream, writes: self.group != nil).run {
            connection in
            try await RedisProbe.check(self.stream, is: "stream", connection)
            guard let group = self.group else {
                let reply = try await connection.command("XREAD", "COUNT", "1", "STREAMS", self.stream, "$")
                try RedisFailure.check(reply, connection.peer)
                return "may read \(self.stream)"
            }
            let reply = try await connection.command("XPENDING", self.stream, group)
            if case .error(let text) = reply, text.hasPrefix("NOGROUP") {
                return "may read \(self.stream); the group \(group) is created at the start"
            }
            try RedisFailure.check(reply, connection.peer)
            return "may read \(self.stream) as \(group)"
        }
    }
}

extension RedisSink.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { "\(self.redis.location)" }

    /// Queues a message, and discards it.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await RedisProbe(settings: self.redis, context: context).run { connection in
            guard let channel = self.channel.constant else { return "connected; events choose the channel" }
            guard try await RedisProbe.queue(["PUBLISH", channel, ""], connection) else {
                return "connected; nothing was published"
            }
            return "may publish to \(channel); nothing was published"
        }
    }
}

extension RedisStreamSink.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { "\(self.redis.location)" }

    /// Queues an entry, and discards it.
    package func probe(_ context: ProbeContext) async throws -> String {
        let stream = self.stream.constant
        return try await RedisProbe(settings: self.redis, context: context, key: stream, writes: true).run { connection in
            guard let stream else { return "connected; events choose the stream" }
            try await RedisProbe.check(stream, is: "stream", connection)
            guard try await RedisProbe.queue(["XADD", stream, "*", "check", ""], connection) else {
                return "connected; nothing was written"
            }
            return "may write \(stream)"
        }
    }
}
