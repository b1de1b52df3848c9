package import BridgeCore
import Logging
import NIOCore
import Synchronization

/// Reads a Redis stream (`type: redis-stream`), as a member of a consumer group or with its own cursor.
///
/// With a group, entries are acknowledged (XACK) once they are safe. The source first reads its own backlog, then
/// claims idle entries of other consumers, then reads new ones. Without a group, the cursor moves once entries are
/// safe.
package final class RedisStreamSource: Source {
    /// The `type:` of the source.
    package static let kind: ComponentKind = "redis-stream"

    let configuration: Configuration
    let context: ComponentContext
    let exhausted: Counter
    let vanished: Counter
    let oversized: Counter
    let recovery: RecoveryLog
    let groupLog: BurstLog
    /// The entries that were read and are not acknowledged; outlives a lost connection.
    let pending: Mutex<RedisPendingList>
    /// How far this process has read.
    let sent = Mutex<String?>(nil)
    /// The position of the group at the last reported loss.
    let reportedLoss = Mutex<String?>(nil)
    /// See ``RedisStreamEntry/idSuffix(source:stream:)``.
    let idSuffix: String
    /// How many entries one read requests: fewer than ``Configuration/batch`` after an answer that was too large.
    private let readSize: Mutex<Int>
    /// Entries read by this process.
    private let entriesRead = Atomic<Int>(0)

    /// Whether the next entry may have been read before the process began.
    func isCatchingUp() -> Bool {
        self.entriesRead.wrappingAdd(1, ordering: .relaxed).oldValue < SourceOutlet.repeatMemory
    }

    /// Makes a source that connects when it runs.
    package init(configuration: Configuration, context: ComponentContext) {
        self.configuration = configuration
        self.context = context
        self.recovery = RecoveryLog(logger: context.logger)
        self.groupLog = BurstLog("Consumer group no longer exists", logger: context.logger)
        self.pending = Mutex(RedisPendingList(maximumDeliveries: configuration.maximumDeliveries))
        self.idSuffix = RedisStreamEntry.idSuffix(source: context.name, stream: configuration.stream)
        self.readSize = Mutex(configuration.batch)
        self.exhausted = context.metrics.counter(
            "redis_exhausted", help: "Entries given up after max_deliveries deliveries."
        )
        self.oversized = context.metrics.counter(
            "redis_oversized", help: "Entries given up because they exceed the size limit."
        )
        self.vanished = context.metrics.counter(
            "redis_vanished", help: "Entries deleted or trimmed after their delivery."
        )
    }

    /// Opens a connection to read (XREADGROUP, or XREAD without a group) and one to acknowledge (XACK), and runs until stopping.
    ///
    /// Returns when everything read is safe and acknowledged.
    ///
    /// - Throws: `ComponentError` when a connection fails, or the server refuses a required command; entries in flight
    ///   stay known for the next run.
    package func run(_ outlet: SourceOutlet) async throws {
        try await self.recovery.track { try await self.connect(outlet) }
    }

    private func connect(_ outlet: SourceOutlet) async throws {
        let reader = try await self.connect("read")
        let acknowledger: RedisConnection
        do {
            acknowledger = try await self.connect("ack")
        } catch {
            reader.close()
            throw error
        }
        do {
            try await self.deliver(reader, acknowledger, outlet)
        } catch {
            // It is closed by now, or about to be.
            reader.close()
            throw error
        }
    }

    /// Reads and acknowledges while both connections live.
    private func deliver(
        _ reader: RedisConnection, _ acknowledger: RedisConnection, _ outlet: SourceOutlet
    ) async throws {
        try await acknowledger.whileOpen {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.carry(reader, acknowledger, outlet) }
                if let name = self.configuration.group { group.addTask { try await self.hold(name, acknowledger) } }
                defer { group.cancelAll() }
                try await group.next()
            }
            if let name = self.configuration.group { try await self.removeConsumer(name, acknowledger) }
        }
    }

    /// Reads until stopping, and returns when everything read is acknowledged.
    private func carry(_ reader: RedisConnection, _ acknowledger: RedisConnection, _ outlet: SourceOutlet) async throws {
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

    /// How many entries one read requests now.
    var batch: Int { self.readSize.withLock { $0 } }

    /// Records an answered read: the next one may be a little larger again.
    func readWasAnswered() {
        self.readSize.withLock { $0 = min(self.configuration.batch, $0 + 1) }
    }

    /// Halves the size of reads: an answer was too large in total.
    func readWasTooLarge() {
        self.readSize.withLock { $0 = max(1, $0 / 2) }
    }

    func connect(_ purpose: String) async throws -> RedisConnection {
        try await RedisConnection.open(
            self.configuration.redis, group: self.context.eventLoopGroup,
            name: "\(self.context.bridge).\(self.context.name).\(purpose)", key: self.configuration.stream
        )
    }

    /// The entries of one read and their position in the log.
    struct SentBatch: Sendable {
        let position: Position
        let ids: [String]
        /// How far it has read the stream; `nil` for entries that were delivered before.
        let place: String?
    }

    /// Whether the delivery count matters.
    var countsDeliveries: Bool { self.configuration.maximumDeliveries > 0 }

    /// The consumer name in the group.
    var consumer: String { self.configuration.consumer ?? "\(self.context.bridge).\(self.context.name)" }
}

extension RedisStreamSource: ReachableComponent {
    /// The configured servers, sentinels or nodes, without user and password.
    package var peers: [PeerAddress] { self.configuration.redis.peers }
}
