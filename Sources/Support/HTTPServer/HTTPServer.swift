import Glibc
package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// The program's HTTP listener: accepts HTTP/1.x and HTTP/2 connections with or without TLS; an ``HTTPRouter`` decides
/// about requests.
///
/// Thread-safe. Started once and shut down once.
package final class HTTPServer: Sendable {
    private let configuration: HTTPServerConfiguration
    private let group: any EventLoopGroup
    private let logger: Logger
    private let log: HTTPBurstLog
    private let loops: [ObjectIdentifier: NIOLoopBoundBox<HTTPLoop>]
    /// The TLS identity for new connections; `nil` without TLS.
    private let identity = Mutex<NIOSSLContext?>(nil)
    private let open = Atomic<Int>(0)
    /// Counts connections up to the limit, and those above it.
    private let places = HTTPSlots()
    private let spares = HTTPSlots()
    private let state = Mutex(State())

    /// Makes a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - router: decides each request; routes may be registered at any time.
    ///   - group: its event loops serve the connections; the caller shuts it down after the server.
    package init(
        configuration: HTTPServerConfiguration, router: HTTPRouter, group: any EventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        self.group = group
        self.logger = logger
        let budget = HTTPBudget(limit: configuration.bufferedBytes)
        let log = HTTPBurstLog(logger: logger)
        self.log = log
        var loops: [ObjectIdentifier: NIOLoopBoundBox<HTTPLoop>] = [:]
        for loop in group.makeIterator() {
            loops[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                HTTPLoop(
                    configuration: configuration, router: router, memory: HTTPMemory(budget: budget, log: log), eventLoop: loop
                ),
                eventLoop: loop
            )
        }
        self.loops = loops
    }

    /// The number of connections, including streams.
    package var connections: Int { self.open.load(ordering: .relaxed) }

    /// Binds and listens.
    ///
    /// - Returns: the address, with the port that the system chose for port 0.
    /// - Throws: ``HTTPServerError`` when the address is not available or the TLS files cannot be used.
    package func start() async throws -> SocketAddress {
        let tls = try self.configuration.tls.map { try HTTPIdentity.context(for: $0) }
        self.identity.withLock { $0 = tls }
        let isTCP = if case .tcp = self.configuration.address { true } else { false }
        let bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: self.configuration.backlog)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .serverChannelInitializer { [log] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(HTTPAcceptPause(log: log))
                }
            }
            // A client that sends many small requests at once gets only a few of them processed per turn of the loop.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // It starts small and grows with the first full read, because a stream keeps the buffer of its request.
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 256, maximum: 16 << 10)
            )
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel, isTCP) }
            }
        let channel: any Channel
        do {
            switch self.configuration.address {
            case .tcp(let host, let port):
                channel = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: host, port: port).get()
            case .unix(let path):
                channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            }
        } catch {
            throw HTTPServerError.listening(on: self.configuration.address.text, error, setting: "http.listen")
        }
        self.state.withLock { state in
            state.listener = channel
            state.isStarted = true
        }
        guard let address = channel.localAddress else {
            preconditionFailure("a bound socket has an address")
        }
        self.logger.notice(
            "HTTP server listening", metadata: ["address": "\(address)", "tls": "\(tls != nil)"]
        )
        return address
    }

    /// Stops accepting, closes idle connections, waits for running requests, and closes the rest at the deadline,
    /// including streams.
    ///
    /// Returns once every connection is closed.
    package func shutdown(deadline: ContinuousClock.Instant) async {
        guard await self.stopListening() else { return }
        let promise = self.group.any().makePromise(of: Void.self)
        self.state.withLock { $0.waiter = promise }
        self.finishIfEmpty()
        let timer = promise.futureResult.eventLoop.scheduleTask(in: TimeAmount(ContinuousClock.now.duration(to: deadline))) {
            self.logger.warning(
                "Closing HTTP connections at the shutdown deadline", metadata: ["connections": "\(self.connections)"])
            self.onEachLoop { $0.closeAll() }
        }
        // The promise is never failed.
        try? await promise.futureResult.get()
        timer.cancel()
        self.logger.notice("HTTP server stopped")
    }

    /// Stops accepting and closes idle connections; running requests and streams continue until ``shutdown(deadline:)``.
    package func retire() async {
        if await self.stopListening() { self.logger.notice("HTTP server stopped listening") }
    }

    /// - Returns: whether the server was started; otherwise there is nothing to shut down.
    private func stopListening() async -> Bool {
        let (listener, wasStarted) = self.state.withLock { state in
            defer { state.listener = nil }
            return (state.listener, state.isStarted)
        }
        guard let listener else { return wasStarted }
        await self.stopAccepting(listener)
        if case .unix(let path) = self.configuration.address {
            unlink(path)
        }
        self.onEachLoop { $0.drain() }
        return true
    }

    /// Reads the files of a TLS identity.
    ///
    /// Reads files, so never call it on an event loop.
    ///
    /// - Throws: ``HTTPServerError`` when they cannot be used.
    package static func identity(of tls: HTTPServerConfiguration.TLS) throws -> HTTPServerIdentity {
        HTTPServerIdentity(context: try HTTPIdentity.context(for: tls), file: tls.certificates)
    }

    /// Uses another identity for new connections, or none; connections that are open stay as they are.
    ///
    /// - Parameter identity: `nil` serves new connections without TLS.
    package func use(_ identity: HTTPServerIdentity?) {
        let hadOne = self.identity.withLock { current in
            defer { current = identity?.context }
            return current != nil
        }
        if let identity {
            self.logger.notice("TLS certificate loaded", metadata: ["file": "\(identity.file)"])
        } else if hadOne {
            self.logger.notice("TLS removed; new connections are not encrypted")
        }
    }

    /// Applies another policy to later requests.
    package func use(_ policy: HTTPPolicy) {
        self.onEachLoop { $0.follow(policy) }
    }

    private func accept(_ channel: any Channel, _ isTCP: Bool) throws {
        guard let box = self.loops[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a channel lives on a loop of its group")
        }
        let loop = box.value
        self.open.wrappingAdd(1, ordering: .relaxed)
        let isSpare = !self.places.take(upTo: self.configuration.connections)
        let hasPlace = !isSpare || self.spares.take(upTo: self.configuration.spareConnections)
        let id = ObjectIdentifier(channel)
        channel.closeFuture.whenComplete { _ in
            box.value.remove(stream: id)
            if isSpare { box.value.remove(spare: id) }
            if hasPlace { (isSpare ? self.spares : self.places).give() }
            if self.open.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { self.finishIfEmpty() }
        }
        if isSpare {
            self.log.warn(
                "HTTP connection limit reached; new connections are refused", ["limit": "\(self.configuration.connections)"])
            guard loop.add(spare: channel, hasPlace: hasPlace) else {
                channel.resetOnClose()
                channel.close(promise: nil)
                return
            }
        }
        if isTCP {
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            try channel.syncOptions?.setOption(.socketOption(.so_keepalive), value: 1)
        }
        let pipeline = channel.pipeline.syncOperations
        let tls = self.identity.withLock { $0 }
        if let tls {
            try pipeline.addHandler(HTTPPlaintextGuard(log: self.log))
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
        }
        let refusal = HTTPResponse.error(.serviceUnavailable, "Too many connections", headers: [("Retry-After", "5")])
        try pipeline.addHandler(HTTPVersionSelector(loop: loop, usesTLS: tls != nil, refusal: isSpare ? refusal : nil))
    }

    /// Closes the listener once every accepted connection is set up.
    ///
    /// NIO would close others in order, but clients without an answer need a reset; see ``HTTPLoop/drain()``.
    private func stopAccepting(_ listener: any Channel) async {
        // These calls fail only when the channel is closed already, and a loop accepts tasks as long as the server is
        // used.
        try? await listener.setOption(.autoRead, value: false).get()
        for box in self.loops.values { try? await box.eventLoop.submit {}.get() }
        try? await listener.eventLoop.submit {}.get()
        try? await listener.close().get()
    }

    private func finishIfEmpty() {
        guard self.connections == 0 else { return }
        let waiter = self.state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.succeed()
    }

    private func onEachLoop(_ body: @escaping @Sendable (HTTPLoop) -> Void) {
        for box in self.loops.values {
            box.eventLoop.execute { body(box.value) }
        }
    }

    private struct State {
        var listener: (any Channel)?
        var isStarted = false
        var waiter: EventLoopPromise<Void>?
    }
}

extension HTTPServerConfiguration.Address {
    /// The address for messages.
    fileprivate var text: String {
        switch self {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// The TLS certificate and key of a server, read from their files.
package struct HTTPServerIdentity: Sendable {
    fileprivate let context: NIOSSLContext
    fileprivate let file: String
}
