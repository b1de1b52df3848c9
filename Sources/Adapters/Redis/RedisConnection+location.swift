import BridgeCore
import NIOCore

extension RedisConnection {
    /// Finds the server, connects, logs in and selects the database.
    ///
    /// Repeated for each connection, so that a component finds the new server after a failover.
    ///
    /// - Parameters:
    ///   - name: shown by `CLIENT LIST`; spaces are replaced.
    ///   - key: the key that a cluster's node must serve; `nil` for any node.
    /// - Throws: ``ComponentError``.
    static func open(
        _ settings: RedisSettings, group: any EventLoopGroup, name: String, key: String? = nil
    ) async throws -> RedisConnection {
        switch settings.location {
        case .server(let address):
            return try await self.connect(to: address, settings, group: group, name: name)
        case .sentinels(let sentinels, let master, let isTLS):
            let address = try await self.master(master, isTLS: isTLS, sentinels, settings, group: group, name: name)
            let connection = try await self.connect(to: address, settings, group: group, name: name)
            try await connection.closedOnFailure {
                let role = try await connection.command("ROLE")
                // The sentinels' answer must be sufficient then; a replica refuses writes anyway.
                guard !RedisRequirements.isUnavailable(role) else { return }
                try RedisFailure.check(role, connection.peer)
                guard role.items?.first?.text == "master" else {
                    throw ComponentError(
                        .rejected,
                        "\(connection.peer) is not a master, although \(settings.location) names it; waiting for the failover")
                }
            }
            return connection
        case .cluster(let seeds):
            let connection = try await self.node(for: key, seeds, settings, group: group, name: name)
            // Without a key any node serves any command.
            guard key != nil else { return connection }
            let loop = connection.channel.eventLoop
            return connection.following { try await self.connect(to: $0, settings, group: loop, name: name) }
        }
    }

    /// Queries sentinels in turn.
    private static func master(
        _ name: String, isTLS: Bool, _ sentinels: [RedisSettings.Address], _ settings: RedisSettings, group: any EventLoopGroup,
        name client: String
    ) async throws -> RedisSettings.Address {
        var failures: [String] = []
        for sentinel in sentinels {
            do {
                let connection = try await self.connect(to: sentinel, settings, group: group, name: client, isSentinel: true)
                defer { connection.close() }
                let reply = try await connection.command("SENTINEL", "get-master-addr-by-name", name)
                if case .error(let text) = reply, text.hasPrefix("NOAUTH"), settings.sentinel.login.password == nil {
                    throw ComponentError(.unauthorized, "\(sentinel) answers: \(text) Set sentinel: { password: … }")
                }
                try RedisFailure.check(reply, connection.peer)
                if let address = reply.master(isTLS: isTLS) { return address }
                failures.append("\(sentinel) knows no master '\(name)'")
            } catch let error as ComponentError {
                failures.append("\(error)")
            }
        }
        throw ComponentError(
            .connectionRefused, "no sentinel names the master of \(settings.location): \(failures.joined(separator: "; "))"
        )
    }

    /// Queries the nodes of a cluster in turn for the node that serves a key, and connects to it.
    private static func node(
        for key: String?, _ seeds: [RedisSettings.Address], _ settings: RedisSettings, group: any EventLoopGroup, name: String
    ) async throws -> RedisConnection {
        var failures: [String] = []
        for seed in seeds {
            do {
                let connection = try await self.connect(to: seed, settings, group: group, name: name)
                guard let key else { return connection }
                let address = try await connection.closedOnFailure { try await connection.address(of: key, seed) }
                if address == seed { return connection }
                connection.close()
                return try await self.connect(to: address, settings, group: group, name: name)
            } catch let error as ComponentError {
                failures.append("\(error)")
            }
        }
        throw ComponentError(
            .connectionRefused, "no node of \(settings.location) can be used: \(failures.joined(separator: "; "))"
        )
    }

    /// The address of the master that serves a key, according to this node.
    private func address(of key: String, _ seed: RedisSettings.Address) async throws -> RedisSettings.Address {
        let reply = try await self.command("CLUSTER", "SLOTS")
        try RedisFailure.check(reply, self.peer)
        let slot = RedisSlot.of(key)
        if let address = reply.node(serving: slot, seenFrom: seed) { return address }
        throw ComponentError(.rejected, "\(self.peer) knows no node for the slot \(slot) of '\(key)'")
    }

    @discardableResult
    private func closedOnFailure<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            self.close()
            throw error
        }
    }
}
