package import BridgeCore
import NIOCore
import Synchronization

/// Subscribes to Redis channels and patterns (`type: redis`).
///
/// Pub/sub stores nothing: messages published while the connection is down are lost, and reported as a gap.
package final class RedisSource: Source {
    /// The `type:` of the source.
    package static let kind: ComponentKind = "redis"

    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        var redis = RedisSettings()
        /// Exact names.
        var channels: [String] = []
        /// Globs in the syntax of `PSUBSCRIBE`.
        var patterns: [String] = []

        /// The keys of a source of channels.
        package static let settings = Settings<Self> {
            RedisSettings.settings.within(\.redis)
            Setting("channels", \.channels, .oneOrMore(of: .text), "Channels to subscribe to")
            Setting("patterns", \.patterns, .oneOrMore(of: .text), "Patterns with '*' of channels to subscribe to")
        }

        /// Makes settings of a server on this machine.
        package init() {}

        /// See ``RedisSettings/secrets``.
        package var secrets: SecretTexts { self.redis.secrets }

        /// Validates the connection, and that there is a channel or a pattern.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.redis.validate()
            guard !self.channels.isEmpty || !self.patterns.isEmpty else {
                throw SettingError("nothing to subscribe to; set channels or patterns")
            }
        }

        /// Wildcards in the wrong syntax, or under the wrong key.
        package var warnings: [SettingError] {
            func warnings(_ names: [String], _ key: String) -> [SettingError] {
                names.enumerated().compactMap { index, name in
                    let path: [any CodingKey] = [SettingKey(key), SettingKey(index)]
                    let isOfMQTT = name.hasSuffix("/#") || name == "#" || name.split(separator: "/").contains("+")
                    if isOfMQTT {
                        return SettingError(
                            path: path,
                            "'\(name)': Redis has no wildcards '#' and '+'; write a pattern with '*', such as \(Self.pattern(for: name))"
                        )
                    }
                    guard key == "channels", name.contains(where: { "*?".contains($0) }) else { return nil }
                    return SettingError(path: path, "'\(name)' under channels is an exact name; write it under patterns")
                }
            }
            return warnings(self.channels, "channels") + warnings(self.patterns, "patterns")
        }

        /// The Redis pattern that is equivalent to an MQTT filter.
        private static func pattern(for filter: String) -> String {
            filter.split(separator: "/", omittingEmptySubsequences: false).map { $0 == "#" || $0 == "+" ? "*" : $0 }
                .joined(separator: "/")
        }
    }

    private let configuration: Configuration
    private let context: ComponentContext
    /// How the last connection was lost; `nil` before the first one and while connected.
    private let lost = Mutex<RedisDisconnection?>(nil)
    private let offline: OfflineTracker
    private let recovery: RecoveryLog

    /// Makes a source that connects when it runs.
    package init(configuration: Configuration, context: ComponentContext) {
        self.configuration = configuration
        self.context = context
        self.recovery = RecoveryLog(logger: context.logger)
        self.offline = OfflineTracker(context, peer: configuration.redis.location.description)
    }

    /// Connects, sends SUBSCRIBE and PSUBSCRIBE, and forwards published messages until stopping.
    ///
    /// Messages go to the outlet on the connection's event loop, one batch per read.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made, a subscription is refused or the connection ends.
    package func run(_ outlet: SourceOutlet) async throws {
        try await self.recovery.track {
            try await self.offline.track { try await self.connect(outlet) }
        }
    }

    private func connect(_ outlet: SourceOutlet) async throws {
        let connection = try await RedisConnection.open(
            self.configuration.redis, group: self.context.eventLoopGroup, name: "\(self.context.bridge).\(self.context.name)"
        )
        try await self.subscribe(connection, outlet)
        if let period = self.offline.connected() { self.reportGap(period, connection.peer, outlet) }
        self.lost.withLock { $0 = nil }
        outlet.onChange { connection.followIfPaused(outlet) }
        defer { outlet.onChange(nil) }
        // The demand may have changed before it was observed.
        connection.follow(outlet)
        outlet.connected()
        self.recovery.passed(.working, at: connection.peer)
        do {
            try await connection.whileOpen { try await outlet.untilStopping() }
        } catch {
            let ending = try await connection.ending()
            self.lost.withLock { $0 = ending }
            throw error
        }
    }

    /// Reports that messages published without a subscription are lost.
    private func reportGap(_ period: OfflinePeriod, _ peer: String, _ outlet: SourceOutlet) {
        let loss = "may be lost, because Redis pub/sub stores nothing"
        guard let ending = self.lost.withLock({ $0 }) else {
            outlet.gap(.outage, "\(period.reason(for: peer)): messages published meanwhile \(loss)", during: period)
            return
        }
        let why =
            ending.isOfSlowReader
            ? "; the server closed it after it had not been read for a while (see its client-output-buffer-limit)" : ""
        let heard = OfflinePeriod(from: ending.time, to: period.to)
        outlet.gap(
            .outage,
            "the connection to \(peer) was lost\(why): messages published from \(heard.from) to \(heard.to) \(loss)",
            during: heard
        )
    }

    private func subscribe(_ connection: RedisConnection, _ outlet: SourceOutlet) async throws {
        var commands = ByteBuffer()
        let channels = self.configuration.channels, patterns = self.configuration.patterns
        if !channels.isEmpty { RedisCommand.write(["SUBSCRIBE"] + channels, to: &commands) }
        if !patterns.isEmpty { RedisCommand.write(["PSUBSCRIBE"] + patterns, to: &commands) }
        let confirmed = connection.channel.eventLoop.makePromise(of: Void.self)
        connection.closed.whenSuccess { confirmed.fail($0.error) }
        do {
            try await connection.subscribe(
                {
                    RedisSubscriber(
                        outlet: outlet, connection: connection, channels: channels.count, patterns: patterns.count,
                        confirmed: confirmed
                    )
                }, commands
            )
            try await withTaskCancellationHandler {
                try await confirmed.futureResult.get()
            } onCancel: {
                connection.close()
            }
        } catch {
            connection.close()
            throw error
        }
    }
}

extension RedisSource: ReachableComponent {
    /// The configured servers, sentinels or nodes, without user and password.
    package var peers: [PeerAddress] { self.configuration.redis.peers }
}
