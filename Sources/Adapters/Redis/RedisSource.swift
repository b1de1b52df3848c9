package import BridgeCore
import NIOCore
import Synchronization

/// Subscribes to Redis channels and patterns, or takes messages from lists (`type: redis`).
///
/// Pub/sub stores nothing: messages published while the connection is down are lost, and reported as a gap. Messages of
/// lists are removed from the server once they are safe; see ``RedisListSession``.
package final class RedisSource: Source {
    /// The `type:` of the source.
    package static let kind: ComponentKind = "redis"

    let configuration: Configuration
    let context: ComponentContext
    /// How the last connection was lost; `nil` before the first one and while connected.
    private let lost = Mutex<RedisDisconnection?>(nil)
    private let offline: OfflineTracker
    let recovery: RecoveryLog
    /// What is known of each list; outlives a lost connection.
    let lists: [RedisListState]
    /// The lists that cannot be read for now, by their index.
    let failingLists = Mutex<Set<Int>>([])

    /// Makes a source that connects when it runs.
    package init(configuration: Configuration, context: ComponentContext) {
        self.configuration = configuration
        let reading = RedisListReading(configuration, context)
        self.lists = configuration.lists.map { RedisListState(list: $0, reading: reading) }
        self.context = context
        self.recovery = RecoveryLog(logger: context.logger)
        self.offline = OfflineTracker(context, peer: configuration.redis.location.description)
    }

    /// Connects, sends SUBSCRIBE and PSUBSCRIBE, and forwards published messages until stopping; with lists, takes
    /// their messages instead, and returns when everything taken is safe and removed from the server.
    ///
    /// Published messages go to the outlet on the connection's event loop, one batch per read.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made, a subscription or a command is refused, or the
    ///   connection ends.
    package func run(_ outlet: SourceOutlet) async throws {
        try await self.recovery.track {
            guard self.lists.isEmpty else { return try await self.takeFromLists(outlet) }
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
