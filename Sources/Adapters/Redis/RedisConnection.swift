import BridgeCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One connection to a Redis server, logged in.
///
/// Thread-safe; everything happens on its event loop. Never reconnects: when it ends, the component runs again.
struct RedisConnection: Sendable {
    let channel: any Channel
    let address: RedisSettings.Address
    /// How this connection has ended.
    let closed: EventLoopFuture<RedisDisconnection>
    /// The address as text, stored because each batch needs it.
    private let name: String
    private let handler: NIOLoopBound<RedisHandler>
    private let pauseHint = PauseHint()
    /// The other nodes of a cluster, for redirected commands; `nil` without a cluster.
    private var nodes: RedisNodes?

    /// Whether commands are redirected to the nodes of a cluster.
    var followsNodes: Bool { self.nodes != nil }

    /// The server, for messages.
    var peer: String { self.nodes?.peer ?? self.name }

    /// Connects, logs in and selects the database.
    ///
    /// - Parameters:
    ///   - name: shown by `CLIENT LIST`; spaces are replaced.
    ///   - isSentinel: it has another login, and no databases.
    /// - Throws: ``ComponentError``.
    static func connect(
        to address: RedisSettings.Address, _ settings: RedisSettings, group: any EventLoopGroup, name: String,
        isSentinel: Bool = false
    ) async throws -> RedisConnection {
        let peer = address.description
        let loop = group.next()
        let login = isSentinel ? settings.sentinel.login : settings.login
        let tls: (context: NIOSSLContext, host: String)? =
            if case .tcp(let host, _, true) = address { (try login.tls.context(for: settings.location), host) } else { nil }
        // A channel that ends immediately, as in TLS, is closed before its future can be read; several addresses are
        // tried concurrently.
        let endings = RedisDisconnections()
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(settings.connectTimeout))
            // One read delivers at most a thousand small messages, so that other channels of the loop get their turn.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16 << 10, maximum: 32 << 10)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        // A literal address is no server name (RFC 6066 §3).
                        let isName = (try? SocketAddress(ipAddress: tls.host, port: 0)) == nil
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: tls.context, serverHostname: isName ? tls.host : nil)
                        )
                    }
                    let id = ObjectIdentifier(channel)
                    let handler = RedisHandler(
                        address, patience: settings.patience, handshakeLimit: TimeAmount(settings.connectTimeout),
                        ended: { error in endings.note(error, of: id) })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let channel: any Channel
        do {
            channel =
                switch address {
                case .tcp(let host, let port, _): try await bootstrap.connect(host: host, port: port).get()
                case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
                }
        } catch {
            throw ComponentError(
                .connectionRefused, "\(peer) cannot be reached: \(RedisFailure.reason(error)); \(RedisFailure.remedy(error))")
        }
        let connection: RedisConnection
        do {
            let handler = try await loop.submit {
                NIOLoopBound(try channel.pipeline.syncOperations.handler(type: RedisHandler.self), eventLoop: loop)
            }.get()
            let closed = try await loop.submit { handler.value.ended(on: loop) }.get()
            connection = RedisConnection(channel: channel, address: address, closed: closed, name: peer, handler: handler)
        } catch {
            channel.close(promise: nil)
            let ending = endings.error(of: ObjectIdentifier(channel))
            throw ending ?? ComponentError(.connectionLost, "\(peer) closed the connection immediately", cause: error)
        }
        do {
            try await login.perform(connection)
            if !isSentinel { try await connection.choose(settings.database, name: name) }
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    /// Sends one command.
    ///
    /// - Returns: its answer, including error answers.
    func command(_ words: String...) async throws -> RedisReply {
        var buffer = ByteBuffer()
        RedisCommand.write(words, to: &buffer)
        return try await self.send(buffer, replies: 1)[0]
    }

    /// Sends encoded commands in one write; in a cluster, to the nodes that serve them.
    ///
    /// - Returns: as many answers as there are commands.
    func send(_ commands: ByteBuffer, replies: Int) async throws -> [RedisReply] {
        guard let nodes else { return try await self.exchange(commands, replies: replies).all() }
        return try await nodes.send(commands, replies: replies).all()
    }

    /// Sends encoded commands to this server in one write.
    ///
    /// Cancelling ends the wait and leaves the connection open, so that its end is not reported instead of the original
    /// error.
    ///
    /// - Returns: the answers; fewer than the commands when the connection ends.
    func exchange(_ commands: ByteBuffer, replies: Int) async throws -> RedisAnswers {
        let promise = self.channel.eventLoop.makePromise(of: RedisAnswers.self)
        let handler = self.handler
        self.channel.eventLoop.execute { handler.value.send(commands, replies: replies, promise: promise) }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            // A later answer has no effect on the completed promise.
            promise.fail(CancellationError())
        }
    }

    /// Sends encoded commands in one write; on the event loop of the channel, which calls back with the answers.
    ///
    /// In a cluster, to the nodes that serve them.
    func send(_ commands: ByteBuffer, replies: Int, _ answered: @escaping @Sendable (RedisAnswers) -> Void) {
        if let nodes {
            nodes.send(commands, replies: replies, answered)
        } else {
            self.exchange(commands, replies: replies, answered)
        }
    }

    /// Sends encoded commands to this server in one write; on the event loop of the channel, which calls back with the
    /// answers.
    func exchange(_ commands: ByteBuffer, replies: Int, _ answered: @escaping @Sendable (RedisAnswers) -> Void) {
        let promise = self.channel.eventLoop.makePromise(of: RedisAnswers.self)
        promise.futureResult.whenSuccess(answered)
        self.handler.value.send(commands, replies: replies, promise: promise)
    }

    /// Runs `body` while the connection is open, and closes it afterwards.
    ///
    /// - Throws: what `body` throws, or why the connection ended before it.
    func whileOpen(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let closed = self.nodes?.ended ?? self.closed
        defer { self.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                let cancelled = closed.eventLoop.makePromise(of: RedisDisconnection.self)
                closed.cascade(to: cancelled)
                throw try await withTaskCancellationHandler {
                    try await cancelled.futureResult.get().error
                } onCancel: {
                    cancelled.fail(CancellationError())
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Waits until the connection has ended, and returns why.
    func ending() async throws -> RedisDisconnection {
        try await self.closed.get()
    }

    /// Passes every further answer to a subscriber, which is made on the event loop.
    func subscribe(_ make: @escaping @Sendable () -> any RedisReceiver, _ commands: ByteBuffer) async throws {
        let handler = self.handler
        let channel = self.channel
        try await channel.eventLoop.submit {
            handler.value.subscribe(make())
            channel.writeAndFlush(commands, promise: nil)
        }.get()
    }

    /// Stops or resumes reading the socket, by the outlet's demand at that time.
    ///
    /// The demand is read on the event loop, so that no other decision comes between reading it and acting on it.
    func follow(_ outlet: SourceOutlet) {
        let handler = self.handler
        let channel = self.channel
        let hint = self.pauseHint
        channel.eventLoop.execute {
            // Set before the demand is read: a later change of the demand sees the hint and causes another check.
            hint.isSet.store(true, ordering: .relaxed)
            let isPaused = outlet.demand == .pause
            if !isPaused { hint.isSet.store(false, ordering: .relaxed) }
            guard handler.value.isPaused != isPaused else { return }
            handler.value.isPaused = isPaused
            channel.setOption(.autoRead, value: !isPaused).whenFailure { _ in channel.close(promise: nil) }
        }
    }

    /// Like ``follow(_:)``, but without cost while the socket is read; call it for each change that an outlet reports.
    func followIfPaused(_ outlet: SourceOutlet) {
        if self.pauseHint.isSet.load(ordering: .relaxed) { self.follow(outlet) }
    }

    /// Ends the connection with an error; on its event loop.
    func fail(_ error: ComponentError) {
        self.handler.value.fail(error)
    }

    func close() {
        self.channel.close(promise: nil)
        self.nodes?.close()
    }

    /// The same connection, whose commands also go to other nodes of its cluster.
    ///
    /// - Parameter connect: connects on the event loop of this connection.
    func following(_ connect: @escaping @Sendable (RedisSettings.Address) async throws -> RedisConnection) -> RedisConnection {
        var connection = self
        connection.nodes = RedisNodes(self, connect: connect)
        return connection
    }

    private func choose(_ database: Int, name: String) async throws {
        if database != 0 { try RedisFailure.check(try await self.command("SELECT", String(database)), self.peer) }
        let safe = String(name.map { $0.isASCII && $0 > " " && $0 != "\u{7F}" ? $0 : "_" })
        // The name is only for operators; if it cannot be set, everything else works.
        guard case .error(let text) = try await self.command("CLIENT", "SETNAME", safe) else { return }
        guard let error = RedisFailure.connection(text, self.peer), !text.hasPrefix("NOPERM") else { return }
        throw error
    }

    /// Whether the socket may be paused; false only while it is read.
    private final class PauseHint: Sendable {
        let isSet = Atomic<Bool>(false)
    }
}
