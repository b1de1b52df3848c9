import BridgeCore
import Logging
import NIOCore
import Synchronization

/// One session of a reader of one list: takes messages, and removes them from the server once they are safe.
///
/// Each message is moved to a processing list of this session alone (LMOVE, BLMOVE), from which the oldest ones are
/// removed (LTRIM). A session has two connections: one takes and may wait, one removes and gives signs of life. It ends
/// with either of them; the next session takes over its processing list. The name of a processing list is used once, so
/// that a command of a lost connection that arrives late changes nothing.
///
/// Thread-safe.
final class RedisListSession: Sendable {
    /// A processing list of an earlier session, whose messages are taken before new ones.
    struct Former: Equatable, Sendable {
        let key: String
        /// Whether it was this consumer's.
        let isOwn: Bool
    }

    let state: RedisListState
    /// The processing list.
    let key: String
    let reader: RedisConnection
    let remover: RedisConnection
    let logger: Logger
    /// The processing lists that were taken over and are not empty yet.
    let former = Mutex<[Former]>([])
    let lease: Mutex<RedisListLease>
    let moves: Mutex<RedisListMoves>
    /// Whether nothing more is taken.
    let hasEnded = Atomic(false)

    var keys: RedisListKeys { self.state.keys }
    var reading: RedisListReading { self.state.reading }
    var peer: String { self.remover.peer }

    private init(_ state: RedisListState, reader: RedisConnection, remover: RedisConnection, logger: Logger) {
        self.state = state
        self.key = state.keys.processing(state.reading.consumer, session: .random(in: 0...UInt64.max))
        self.reader = reader
        self.remover = remover
        self.logger = logger
        self.lease = Mutex(RedisListLease(claimAfter: state.reading.claimAfter, now: .now))
        self.moves = Mutex(RedisListMoves(end: state.reading.end))
    }

    /// Opens the connections.
    ///
    /// - Throws: `ComponentError`.
    static func open(
        _ state: RedisListState, _ settings: RedisSettings, _ context: ComponentContext
    ) async throws -> RedisListSession {
        func connect(_ purpose: String) async throws -> RedisConnection {
            try await RedisConnection.open(
                settings, group: context.eventLoopGroup, name: "\(context.bridge).\(context.name).\(purpose)",
                key: state.keys.list)
        }
        let reader = try await connect("take")
        do {
            return RedisListSession(state, reader: reader, remover: try await connect("remove"), logger: context.logger)
        } catch {
            reader.close()
            throw error
        }
    }

    /// Closes the connections; what was taken stays in the processing list.
    func close() {
        self.reader.close()
        self.remover.close()
    }

    /// Registers the processing list, and takes over those of earlier sessions and of readers that are gone.
    ///
    /// - Throws: ``RedisListError`` when a key has another type or the user may not use it, `ComponentError` when the server refuses a command.
    func begin() async throws {
        try await self.checkType(self.remover)
        try await self.checkRegistry(self.remover)
        // Removes nothing; a server that refuses it must not be taken from.
        try self.check(try await self.remover.command("LTRIM", self.key, "0", "-1"))
        let sent = ContinuousClock.now
        let time = try await self.serverTime(self.remover)
        try self.check(try await self.remover.command("ZADD", self.keys.registry, String(time), self.key))
        self.lease.withLock { $0.renewed(sent: sent) }
        self.state.processing.withLock { $0.beginSession() }
        try await self.takeOver(self.remover, isStart: true)
        self.forgetFormerIfDone()
    }

    /// Takes and removes messages until stopping.
    ///
    /// Returns when everything taken is safe and removed.
    ///
    /// - Throws: ``RedisListError`` when a key has become another type, `ComponentError` when a connection ends, the server refuses a command, or another reader has taken over.
    func run(_ outlet: SourceOutlet, _ recovery: RecoveryLog) async throws {
        try await self.remover.whileOpen {
            try await race({ try await self.carry(outlet, recovery) }, { try await self.giveSignsOfLife() })
            try await self.retire()
        }
    }

    private func carry(_ outlet: SourceOutlet, _ recovery: RecoveryLog) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.removeUntilEnded(outlet) }
            group.addTask {
                try await self.takeUntilStopping(outlet, recovery)
                self.hasEnded.store(true, ordering: .sequentiallyConsistent)
                self.state.changed.notify()
            }
            defer { group.cancelAll() }
            while try await group.next() != nil {}
        }
    }

    // MARK: Answers

    /// - Throws: for any error answer; see ``failure(_:)``.
    func check(_ reply: RedisReply) throws {
        if case .error(let text) = reply { throw self.failure(text) }
    }

    /// The error for an error answer: ``RedisListError`` for a key that the user may not use, else `ComponentError`.
    func failure(_ text: String) -> any Error {
        if text.hasPrefix("WRONGTYPE") { return self.takenOver }
        var error = RedisFailure.error(text, self.peer)
        if text.hasPrefix("NOPERM"), RedisRequirements.command(in: text) == nil {
            error.message += "; let the user read and write the keys \(self.keys.list) and \(self.keys.registry)*"
            return RedisListError(error)
        }
        return error
    }

    /// The error of a session whose processing list another reader has.
    var takenOver: ComponentError {
        ComponentError(
            .rejected,
            "another reader of the list \(self.keys.list) at \(self.peer) has taken over the messages of \(self.reading.consumer); "
                + "give each replica a consumer name of its own, and raise claim_after if this one was suspended for longer")
    }

    /// - Throws: ``RedisListError`` when the key exists and is not a list.
    func checkType(_ connection: RedisConnection) async throws {
        let reply = try await connection.command("TYPE", self.keys.list)
        try self.check(reply)
        guard let type = reply.text, type != "list", type != "none" else { return }
        let remedy =
            switch type {
            case "stream": "use type: redis-stream"
            case "zset", "set": "lists reads keys of the type list only"
            default: "name another key under lists"
            }
        throw RedisListError("\(self.keys.list) at \(self.peer) is not a list but of the type \(type); \(remedy)")
    }
}
