package import BridgeCore
import NIOCore
import Synchronization

/// Subscribes to Redis channels and patterns (`type: redis`).
///
/// Pub/sub keeps nothing: what is published while the connection is down is gone, and that is told as a gap.
package final class RedisSource: Source {
    /// The `type:` of the source.
    package static let kind: ComponentKind = "redis"

    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        /// The keys of its mapping, as the file writes them.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, user, password, tls, sentinel, connectTimeout = "connect_timeout", channels, patterns
        }

        let redis: RedisSettings
        /// Exact names.
        let channels: [String]
        /// Globs, as `PSUBSCRIBE` takes them.
        let patterns: [String]

        /// Reads the keys and fills in defaults.
        ///
        /// - Throws: `SettingError` with the place of a key that is missing, of the wrong kind or out of range.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.redis = try RedisSettings(container) { CodingKeys(rawValue: $0)! }
            self.channels = try container.texts(.channels)
            self.patterns = try container.texts(.patterns)
        }

        /// Checks that there is a channel or a pattern.
        ///
        /// - Throws: `SettingError` that names both keys.
        package func validate() throws {
            guard !self.channels.isEmpty || !self.patterns.isEmpty else {
                throw SettingError("nothing to subscribe to; set channels or patterns")
            }
        }

        /// Wildcards that are none here.
        package var warnings: [SettingError] {
            func warnings(_ names: [String], _ key: CodingKeys) -> [SettingError] {
                names.enumerated().compactMap { index, name in
                    let path: [any CodingKey] = [key, SettingKey(index)]
                    let isOfMQTT = name.hasSuffix("/#") || name == "#" || name.split(separator: "/").contains("+")
                    if isOfMQTT {
                        return SettingError(
                            path: path,
                            "'\(name)': '#' and '+' are no wildcards of Redis; write patterns with '*', such as \(Self.pattern(for: name))"
                        )
                    }
                    guard key == .channels, name.contains(where: { "*?".contains($0) }) else { return nil }
                    return SettingError(path: path, "'\(name)' under channels is an exact name; write it under patterns")
                }
            }
            return warnings(self.channels, .channels) + warnings(self.patterns, .patterns)
        }

        /// The pattern that says what a filter of MQTT says.
        private static func pattern(for filter: String) -> String {
            filter.split(separator: "/", omittingEmptySubsequences: false).map { $0 == "#" || $0 == "+" ? "*" : $0 }
                .joined(separator: "/")
        }
    }

    private let configuration: Configuration
    private let context: ComponentContext
    /// How the last connection was lost; `nil` before the first one and while there is one.
    private let lost = Mutex<RedisEnding?>(nil)
    private let offline: OfflineTracker

    /// Makes a source that connects when it runs.
    package init(configuration: Configuration, context: ComponentContext) {
        self.configuration = configuration
        self.context = context
        self.offline = OfflineTracker(context, peer: configuration.redis.location.description)
    }

    /// Connects, sends SUBSCRIBE and PSUBSCRIBE, and hands on what is published until stopping.
    ///
    /// Messages go to the outlet on the connection's event loop, a batch for each read.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made, a subscription is refused or the connection ends.
    package func run(_ outlet: SourceOutlet) async throws {
        try await self.offline.track { try await self.connect(outlet) }
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
        do {
            try await connection.whileOpen { try await outlet.untilStopping() }
        } catch {
            let ending = try await connection.ending()
            self.lost.withLock { $0 = ending }
            throw error
        }
    }

    /// Everything that was published while nobody was subscribed is lost.
    private func reportGap(_ period: OfflinePeriod, _ peer: String, _ outlet: SourceOutlet) {
        let loss = "may be lost, because Redis pub/sub keeps nothing"
        guard let ending = self.lost.withLock({ $0 }) else {
            outlet.gap("\(period.reason(for: peer)): what was published meanwhile \(loss)", during: period)
            return
        }
        let why =
            ending.isOfSlowReader
            ? "; the server closed it after it had not been read for a while (see its client-output-buffer-limit)" : ""
        let heard = OfflinePeriod(from: ending.time, to: period.to)
        outlet.gap(
            "the connection to \(peer) was lost\(why): what was published from \(heard.from) to \(heard.to) \(loss)",
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

extension KeyedDecodingContainer {
    /// A list of texts, or one text.
    func texts(_ key: Key) throws -> [String] {
        guard self.contains(key) else { return [] }
        if let text = try? self.decode(String.self, forKey: key) { return [text] }
        return try self.decode([String].self, forKey: key)
    }
}

extension RedisSource: ReachableComponent {
    /// The servers, sentinels or nodes that the file names, without user and password.
    package var peers: [PeerAddress] { self.configuration.redis.peers }
}
