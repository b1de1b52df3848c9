package import BridgeCore
import NIOCore
import Synchronization

/// Reads a Redis stream (`type: redis-stream`), as a member of a consumer group or with a cursor of its own.
///
/// With a group, entries are acknowledged (XACK) once they are safe: first our own backlog is read, then what other consumers have left
/// for too long is claimed, then what is new. Without one, the cursor moves once entries are safe.
package final class RedisStreamSource: Source {
    package static let kind: ComponentKind = "redis-stream"

    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, user, password, tls, connectTimeout = "connect_timeout", stream, group, consumer, start, batch, block
            case claimAfter = "claim_after", maximumDeliveries = "max_deliveries"
        }

        let redis: RedisSettings
        let stream: String
        let group: String?
        /// Default: the bridge's name, a dot and the component's; must be different for each replica.
        let consumer: String?
        /// Where a new group, or a source without a cursor, begins: `$` (default, what comes from now on), `0`, or an entry's id.
        let start: String
        /// Entries read at once; default 100.
        let batch: Int
        /// How long one read waits for entries; default 5 s.
        let block: Duration
        /// Entries of other consumers are claimed after this time; default 60 s.
        let claimAfter: Duration
        /// An entry handed out more often is given up; default 0, never.
        let maximumDeliveries: Int

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.redis = try RedisSettings(container) { CodingKeys(rawValue: $0)! }
            self.stream = try container.required(.stream)
            self.group = try container.optional(.group)
            self.consumer = try container.optional(.consumer)
            self.start = try container.value(.start, default: "$")
            self.batch = try container.integer(.batch, in: 1...10_000, default: 100)
            self.block = try container.duration(.block, default: .seconds(5))
            self.claimAfter = try container.duration(.claimAfter, default: .seconds(60))
            self.maximumDeliveries = try container.integer(.maximumDeliveries, in: 0...1_000_000, default: 0)
        }

        package func validate() throws {
            if self.stream.isEmpty { throw SettingError(path: [CodingKeys.stream], "is empty; name a stream") }
            if self.group?.isEmpty == true {
                throw SettingError(path: [CodingKeys.group], "is empty; name a group or leave it out")
            }
            if self.group == nil, self.consumer != nil {
                throw SettingError(path: [CodingKeys.consumer], "means nothing without a group; set group")
            }
            guard self.start == "$" || RedisStreamID(self.start) != nil else {
                throw SettingError(
                    path: [CodingKeys.start], "'\(self.start)' is no place in a stream; write $, 0 or an entry's id")
            }
            guard self.block >= .milliseconds(10), self.block <= .seconds(10) else {
                throw SettingError(path: [CodingKeys.block], "is out of range; 10ms to 10s is allowed")
            }
        }
    }

    private let configuration: Configuration
    private let context: ComponentContext
    private let exhausted: Counter
    /// Entries sent and not yet acknowledged, with their places in the log; outlives a lost connection.
    private let inFlight = Mutex<[String: Position]>([:])
    /// How far a source without a group has sent in this process.
    private let sent = Mutex<String?>(nil)

    package init(configuration: Configuration, context: ComponentContext) {
        self.configuration = configuration
        self.context = context
        self.exhausted = context.metrics.counter(
            "redis_exhausted", help: "Entries given up because they were handed out more often than max_deliveries."
        )
    }

    package func run(_ outlet: SourceOutlet) async throws {
        let reader = try await self.connect("read")
        let acknowledger: RedisConnection
        do {
            acknowledger = try await self.connect("ack")
        } catch {
            reader.close()
            throw error
        }
        try await acknowledger.whileOpen {
            let (finished, batches) = AsyncStream.makeStream(of: SentBatch.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await batch in finished { try await self.settle(batch, acknowledger, outlet) }
                }
                group.addTask {
                    defer { batches.finish() }
                    try await self.readUntilStopping(reader, outlet) { batches.yield($0) }
                }
                defer { group.cancelAll() }
                while try await group.next() != nil {}
            }
        }
    }

    private func connect(_ purpose: String) async throws -> RedisConnection {
        try await RedisConnection.open(
            self.configuration.redis, group: self.context.eventLoopGroup,
            name: "\(self.context.bridge).\(self.context.name).\(purpose)"
        )
    }

    /// What one read has brought and where it stands in the log.
    private struct SentBatch: Sendable {
        let position: Position
        let ids: [String]
    }

    // MARK: Reading

    private func readUntilStopping(
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

    private func readGroup(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        let created = try await connection.command(
            "XGROUP", "CREATE", self.configuration.stream, group, self.configuration.start, "MKSTREAM")
        if case .error(let text) = created, !text.hasPrefix("BUSYGROUP") { try RedisFailure.check(created, connection.peer) }
        outlet.connected()
        try await self.readBacklog(group, connection, outlet, done)
        var lastClaim: ContinuousClock.Instant?
        while !outlet.isStopping {
            if lastClaim.map({ .now - $0 >= self.configuration.claimAfter / 2 }) ?? true {
                try await self.claim(group, connection, outlet, done)
                lastClaim = .now
            }
            let reply = try await self.read(group, from: ">", connection)
            try await self.send(RedisStreamEntry.entries(reply), connection, outlet, done, isNew: true)
        }
    }

    /// Entries that this consumer was given before and has not acknowledged.
    private func readBacklog(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = "0"
        while !outlet.isStopping {
            let entries = RedisStreamEntry.entries(try await self.read(group, from: from, connection))
            guard let last = entries.last else { return }
            try await self.send(entries, connection, outlet, done, isNew: false)
            from = last.id
        }
    }

    private func claim(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = "0-0"
        let idle = String(self.configuration.claimAfter.milliseconds)
        repeat {
            let reply = try await connection.command(
                "XAUTOCLAIM", self.configuration.stream, group, self.consumer, idle, from, "COUNT",
                String(self.configuration.batch)
            )
            try RedisFailure.check(reply, connection.peer)
            guard let parts = reply.items, parts.count >= 2 else { return }
            try await self.send(RedisStreamEntry.entries(parts[1]), connection, outlet, done, isNew: false)
            from = parts[0].text ?? "0-0"
        } while from != "0-0" && !outlet.isStopping
    }

    private func readAll(
        _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = self.sent.withLock { $0 } ?? self.context.cursors.cursor(of: self.context.name) ?? self.configuration.start
        if from == "$" {
            // Made a fixed place, so that nothing between two reads or two connections is missed.
            let last = try await connection.command("XREVRANGE", self.configuration.stream, "+", "-", "COUNT", "1")
            try RedisFailure.check(last, connection.peer)
            from = RedisStreamEntry.entries(last).first?.id ?? "0-0"
            self.sent.withLock { [from] in $0 = from }
        }
        outlet.connected()
        while !outlet.isStopping {
            let reply = try await connection.command(
                "XREAD", "COUNT", String(self.configuration.batch), "BLOCK", String(self.configuration.block.milliseconds),
                "STREAMS",
                self.configuration.stream, from
            )
            try RedisFailure.check(reply, connection.peer)
            let entries = RedisStreamEntry.entries(Self.only(reply))
            guard let last = entries.last else { continue }
            try await self.send(entries, connection, outlet, done, isNew: true)
            from = last.id
            self.sent.withLock { [from] in $0 = from }
        }
    }

    private func read(_ group: String, from: String, _ connection: RedisConnection) async throws -> RedisReply {
        let reply = try await connection.command(
            "XREADGROUP", "GROUP", group, self.consumer, "COUNT", String(self.configuration.batch), "BLOCK",
            String(self.configuration.block.milliseconds), "STREAMS", self.configuration.stream, from
        )
        try RedisFailure.check(reply, connection.peer)
        return Self.only(reply)
    }

    /// The entries of the one stream asked for.
    private static func only(_ reply: RedisReply) -> RedisReply {
        reply.items?.first?.items.flatMap { $0.count > 1 ? $0[1] : nil } ?? .null
    }

    private var consumer: String { self.configuration.consumer ?? "\(self.context.bridge).\(self.context.name)" }

    // MARK: Sending and acknowledging

    /// Sends what is not under way already, and hands the batch on to be acknowledged.
    private func send(
        _ entries: [RedisStreamEntry], _ connection: RedisConnection, _ outlet: SourceOutlet,
        _ done: @Sendable (SentBatch) -> Void,
        isNew: Bool
    ) async throws {
        guard !entries.isEmpty else { return }
        var messages: [ReceivedMessage] = []
        var ids: [String] = []
        for entry in entries {
            if let position = self.inFlight.withLock({ $0[entry.id] }) {
                done(SentBatch(position: position, ids: [entry.id]))
                continue
            }
            ids.append(entry.id)
            var deliveries: Int?
            if !isNew, self.configuration.maximumDeliveries > 0 {
                deliveries = try await self.deliveries(of: entry.id, connection)
                if let deliveries, deliveries > self.configuration.maximumDeliveries {
                    self.exhausted.increment()
                    outlet.gap(
                        "the entry \(entry.id) was handed out \(deliveries) times and is given up",
                        subject: self.configuration.stream
                    )
                    continue
                }
            }
            if let message = entry.message(stream: self.configuration.stream, deliveries: deliveries) { messages.append(message) }
        }
        let receipt = outlet.send(messages)
        if !ids.isEmpty {
            self.inFlight.withLock { inFlight in
                for id in ids { inFlight[id] = receipt.position }
            }
            done(SentBatch(position: receipt.position, ids: ids))
        }
        if case .pause = receipt.demand { try await outlet.untilDemand() }
    }

    private func deliveries(of id: String, _ connection: RedisConnection) async throws -> Int? {
        guard let group = self.configuration.group else { return nil }
        let reply = try await connection.command("XPENDING", self.configuration.stream, group, id, id, "1")
        guard case .integer(let count)? = reply.items?.first?.items?.last else { return nil }
        return Int(count)
    }

    /// Acknowledges a batch once it is safe.
    private func settle(_ batch: SentBatch, _ connection: RedisConnection, _ outlet: SourceOutlet) async throws {
        try await outlet.untilSafe(batch.position)
        if let group = self.configuration.group {
            var command = ByteBuffer()
            RedisCommand.write(["XACK", self.configuration.stream, group] + batch.ids, to: &command)
            try RedisFailure.check(try await connection.send(command, replies: 1)[0], connection.peer)
        } else if let last = batch.ids.last {
            try self.context.cursors.move(last, of: self.context.name)
        }
        self.inFlight.withLock { inFlight in
            for id in batch.ids { inFlight[id] = nil }
        }
    }
}

/// The id of an entry: `milliseconds` or `milliseconds-sequence`.
struct RedisStreamID {
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ UInt64($0) != nil }) else { return nil }
    }
}
