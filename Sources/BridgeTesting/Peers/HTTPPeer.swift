package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on loopback that records requests and gives configured answers.
///
/// Thread-safe. Closes with its last reference.
package final class HTTPPeer: Sendable {
    /// One recorded request.
    package struct Request: Sendable {
        /// The method, in its original case.
        package let method: String
        /// The request target (RFC 9112 §3.2), with the query.
        package let uri: String
        /// The header fields.
        package let headers: HTTPFields
        /// The complete body, without transfer coding.
        package let body: ByteBuffer
        /// When the last byte arrived.
        package let time: ContinuousClock.Instant

        /// The body decoded as UTF-8.
        package var text: String { String(buffer: self.body) }
    }

    /// The answer to a request.
    package struct Answer: Sendable {
        /// The status code.
        package var status: Int
        /// The header fields; `content-length` is added.
        package var headers: HTTPFields
        /// The body, sent as UTF-8.
        package var body: String
        /// How long the peer waits before it answers.
        package var delay: Duration
        /// Whether the peer closes the connection instead of answering.
        package var isCut: Bool
        /// The bytes announced in `content-length` but not sent; the connection closes after the sent ones.
        package var missing: Int
        /// The bytes to send in place of everything else, before the connection closes.
        package var raw: String?

        /// Makes an answer; 200 without a body by default.
        package init(
            _ status: Int = 200, headers: HTTPFields = [:], body: String = "", delay: Duration = .zero,
            isCut: Bool = false, missing: Int = 0, raw: String? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.delay = delay
            self.isCut = isCut
            self.missing = missing
            self.raw = raw
        }
    }

    private struct State {
        var requests: [Request] = []
        var answer: @Sendable (Request) -> Answer = { _ in Answer() }
        var channels: [ObjectIdentifier: any Channel] = [:]
        var listener: (any Channel)?
    }

    /// The port of 127.0.0.1; the same after ``stop()`` and ``listen()``.
    package var port: Int { self.reservation.number }
    private let reservation: LastingPort
    private let state: Mutex<State>

    private init(port: LastingPort) {
        self.reservation = port
        self.state = Mutex(State())
    }

    deinit {
        self.state.withLock { state in
            state.listener?.close(promise: nil)
            for channel in state.channels.values { channel.close(promise: nil) }
        }
    }

    /// Starts a peer that answers every request with 200 until ``answer(with:)`` sets another answer.
    ///
    /// - Throws: ``PeerError`` when no port is free.
    package static func start() async throws -> HTTPPeer {
        let peer = HTTPPeer(port: try LastingPort())
        try await peer.listen()
        return peer
    }

    /// Listens on the same port again after ``stop()``.
    package func listen() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { throw PeerError("the peer is gone") }
                    self.add(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(RequestHandler(peer: self))
                }
            }
            .bind(host: "127.0.0.1", port: self.port).get()
        self.state.withLock { $0.listener = channel }
    }

    /// Stops listening and closes every connection: the system refuses later clients.
    package func stop() async throws {
        let (listener, channels) = self.state.withLock { state in
            defer { (state.listener, state.channels) = (nil, [:]) }
            return (state.listener, state.channels)
        }
        try await listener?.close()
        // Closing a connection that its client has closed throws an error without information.
        for channel in channels.values { try? await channel.close() }
    }

    /// The URL of a path on this server.
    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(self.port)\(path)" }

    /// All requests so far, in order of arrival.
    package var requests: [Request] { self.state.withLock { $0.requests } }
    /// The number of requests so far.
    package var count: Int { self.state.withLock { $0.requests.count } }

    /// Gives every later request the same answer.
    package func answer(with answer: Answer) {
        self.answer { _ in answer }
    }

    /// Answers every later request by a rule.
    ///
    /// - Parameter rule: called once for each request, on an event loop; must not block.
    package func answer(_ rule: @escaping @Sendable (Request) -> Answer) {
        self.state.withLock { $0.answer = rule }
    }

    private func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        self.state.withLock { $0.channels[id] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            _ = self?.state.withLock { $0.channels.removeValue(forKey: id) }
        }
    }

    fileprivate func record(_ request: Request) -> Answer {
        let rule = self.state.withLock { state in
            state.requests.append(request)
            return state.answer
        }
        return rule(request)
    }

    /// Collects the requests of one connection, one after the other.
    ///
    /// Runs on its event loop.
    private final class RequestHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private weak var peer: HTTPPeer?
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(peer: HTTPPeer) {
            self.peer = peer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                self.body = ByteBuffer()
            case .body(let part):
                self.body.writeImmutableBuffer(part)
            case .end:
                guard let head = self.head, let peer = self.peer else { return context.close(promise: nil) }
                let request = Request(
                    method: head.method.rawValue, uri: head.uri, headers: HTTPFields(head.headers), body: self.body, time: .now
                )
                let answer = peer.record(request)
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .init(answer.delay)) {
                    let (handler, context) = bound.value
                    handler.send(answer, keepAlive: head.isKeepAlive, context: context)
                }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        /// Sends bytes past the encoder, and closes.
        private static func send(_ raw: String, _ pipeline: ChannelPipeline) {
            guard let encoder = try? pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self) else {
                preconditionFailure("the pipeline has an encoder")
            }
            encoder.writeAndFlush(NIOAny(ByteBuffer(string: raw)), promise: nil)
            pipeline.close(mode: .all, promise: nil)
        }

        private func send(_ answer: Answer, keepAlive: Bool, context: ChannelHandlerContext) {
            guard !answer.isCut else { return context.close(promise: nil) }
            if let raw = answer.raw { return Self.send(raw, context.pipeline) }
            var head = HTTPResponseHead(
                version: .http1_1, status: .init(statusCode: answer.status), headers: answer.headers.headers
            )
            head.headers.replaceOrAdd(name: "content-length", value: String(answer.body.utf8.count + answer.missing))
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
            guard answer.missing == 0 else {
                context.flush()
                return context.close(promise: nil)
            }
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
            if !keepAlive { context.close(promise: nil) }
        }
    }
}
