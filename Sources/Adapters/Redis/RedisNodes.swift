import BridgeCore
import NIOCore
import Synchronization

/// The cluster nodes for the commands of one connection: the key's node, and those that it names once the key's slot
/// moves.
///
/// Guarded by its lock. Connections to further nodes are opened when an answer names one, on the event loop of the
/// first, and closed with it.
final class RedisNodes: Sendable {
    /// How often one command is redirected before its last answer counts as a failure; nodes may name each other while
    /// a slot is moved.
    private static let limit = 8

    private struct State {
        /// The node for new commands.
        var current: RedisConnection
        /// All opened connections.
        var opened: [RedisConnection]
        var isClosed = false
        var hasEnded = false
    }

    private let state: Mutex<State>
    private let connect: @Sendable (RedisSettings.Address) async throws -> RedisConnection
    private let ending: EventLoopPromise<RedisDisconnection>

    init(
        _ connection: RedisConnection, connect: @escaping @Sendable (RedisSettings.Address) async throws -> RedisConnection
    ) {
        self.state = Mutex(State(current: connection, opened: [connection]))
        self.connect = connect
        self.ending = connection.channel.eventLoop.makePromise(of: RedisDisconnection.self)
        self.watch(connection)
    }

    /// How the connection to the current node has ended; an earlier one may end without notice.
    var ended: EventLoopFuture<RedisDisconnection> { self.ending.futureResult }

    /// The current node, for messages.
    var peer: String { self.state.withLock { $0.current.address.description } }

    /// Sends encoded commands in one write, and redirected ones again to the nodes that serve them.
    func send(_ commands: ByteBuffer, replies: Int) async throws -> RedisAnswers {
        let current = self.state.withLock { $0.current }
        let answers = try await current.exchange(commands, replies: replies)
        return await self.followed(answers, of: commands, from: current.address)
    }

    /// Like ``send(_:replies:)``; on the event loop of the connections, which calls back with the answers.
    func send(_ commands: ByteBuffer, replies: Int, _ answered: @escaping @Sendable (RedisAnswers) -> Void) {
        let current = self.state.withLock { $0.current }
        current.exchange(commands, replies: replies) { answers in
            guard Self.redirects(answers.replies, from: current.address) else {
                answered(answers)
                return
            }
            // The caller that waits for the answers awaits it; closing the connections ends it.
            current.channel.eventLoop.makeFutureWithTask {
                await self.followed(answers, of: commands, from: current.address)
            }.whenSuccess(answered)
        }
    }

    private static func redirects(_ answers: [RedisReply], from origin: RedisSettings.Address) -> Bool {
        answers.contains { RedisRedirect($0, from: origin) != nil }
    }

    /// Replaces redirects with the answers of the named nodes, in the order of the commands.
    ///
    /// - Parameters:
    ///   - commands: as they were sent.
    ///   - origin: the node that sent the redirects.
    /// - Returns: the answers; some are still redirects if the limit is reached, or if a node cannot be reached, which
    ///   is then the failure.
    func followed(_ answers: RedisAnswers, of commands: ByteBuffer, from origin: RedisSettings.Address) async -> RedisAnswers {
        var answers = answers
        guard Self.redirects(answers.replies, from: origin) else { return answers }
        var redirects = answers.replies.map { RedisRedirect($0, from: origin) }
        let words = RedisCommand.split(commands)
        for _ in 0..<Self.limit {
            guard let first = redirects.firstIndex(where: { $0 != nil }), let redirect = redirects[first] else { break }
            // A later command to another node waits for these, which may be redirected again.
            let others = redirects[first...].firstIndex { $0 != nil && $0 != redirect } ?? redirects.endIndex
            let indexes = (first..<others).filter { redirects[$0] != nil }
            do {
                let node = try await self.node(at: redirect.address)
                let further = try await node.exchange(indexes.map { words[$0] }, isAsking: redirect.isAsking)
                if !redirect.isAsking { self.move(to: node) }
                for (index, reply) in zip(indexes, further.replies) {
                    answers.replies[index] = reply
                    redirects[index] = RedisRedirect(reply, from: node.address)
                }
                if let failure = further.failure { throw failure }
            } catch {
                answers.failure = answers.failure ?? error
                break
            }
        }
        return answers
    }

    func close() {
        let opened = self.state.withLock { state in
            state.isClosed = true
            return state.opened
        }
        for connection in opened { connection.close() }
    }

    private func node(at address: RedisSettings.Address) async throws -> RedisConnection {
        let known = try self.state.withLock { state in
            guard !state.isClosed else { throw ComponentError(.connectionLost, "the connection to the cluster is closed") }
            state.opened.removeAll { !$0.channel.isActive }
            return state.opened.first { $0.address == address }
        }
        if let known { return known }
        let node = try await self.connect(address)
        let isClosed = self.state.withLock { state in
            state.opened.append(node)
            return state.isClosed
        }
        if isClosed { node.close() }
        return node
    }

    /// Makes a node the current one.
    private func move(to node: RedisConnection) {
        let isAnother = self.state.withLock { state in
            defer { state.current = node }
            return state.current.channel !== node.channel
        }
        if isAnother { self.watch(node) }
    }

    private func watch(_ connection: RedisConnection) {
        connection.closed.whenSuccess { ending in
            let isOver = self.state.withLock { state in
                guard state.current.channel === connection.channel, !state.hasEnded else { return false }
                state.hasEnded = true
                return true
            }
            if isOver { self.ending.succeed(ending) }
        }
    }
}

extension RedisConnection {
    /// Sends commands, each after an `ASKING` if this node is only about to serve them.
    fileprivate func exchange(_ commands: [ByteBuffer], isAsking: Bool) async throws -> RedisAnswers {
        var buffer = ByteBuffer()
        for command in commands {
            if isAsking { RedisCommand.write(["ASKING"], to: &buffer) }
            buffer.writeImmutableBuffer(command)
        }
        var answers = try await self.exchange(buffer, replies: isAsking ? commands.count * 2 : commands.count)
        if isAsking {
            let replies = answers.replies
            answers.replies = stride(from: 1, to: replies.count, by: 2).map { replies[$0] }
        }
        return answers
    }
}
