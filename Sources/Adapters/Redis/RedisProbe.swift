package import BridgeCore

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
        let connection = try await RedisConnection.open(
            self.settings, group: self.context.group, name: "streambridge-check", key: self.key)
        defer { connection.close() }
        if self.writes, case .array(let role) = try await connection.command("ROLE"), role.first?.text == "slave" {
            throw ComponentError(.rejected, "\(connection.peer) is a replica, which refuses writes; name the master")
        }
        return try await body(connection)
    }

    /// Refuses a key of another type.
    static func check(_ key: String, is type: String, _ connection: RedisConnection) async throws {
        let reply = try await connection.command("TYPE", key)
        guard !RedisRequirements.isUnavailable(reply) else { return }
        try RedisFailure.check(reply, connection.peer)
        guard let found = reply.text, found != "none", found != type else { return }
        throw ComponentError(
            .rejected, "\(connection.peer) has a \(found) at '\(key)', and a \(type) is needed; name another key, or delete this one")
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
        try await RedisProbe(settings: self.redis, context: context, key: self.stream, writes: self.group != nil).run { connection in
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

    /// Connects; only a message would show whether the user may publish.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await RedisProbe(settings: self.redis, context: context).run { _ in "connected; nothing was published" }
    }
}

extension RedisStreamSink.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { "\(self.redis.location)" }

    /// Appends with an id that every stream refuses, after the server has checked the user's rights and the type of the key.
    package func probe(_ context: ProbeContext) async throws -> String {
        let stream = self.stream.constant
        return try await RedisProbe(settings: self.redis, context: context, key: stream, writes: true).run { connection in
            guard let stream else { return "connected; events choose the stream" }
            try await RedisProbe.check(stream, is: "stream", connection)
            let reply = try await connection.command("XADD", stream, "0-0", "check", "")
            if case .error(let text) = reply, !text.contains("0-0") { throw RedisFailure.error(text, connection.peer) }
            return "may write \(stream)"
        }
    }
}
