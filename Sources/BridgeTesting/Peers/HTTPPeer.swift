package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP receiver on loopback that records requests and answers as it is told.
///
/// Thread-safe. Closed with the last reference.
package final class HTTPPeer: Sendable {
    /// One request as it arrived.
    package struct Request: Sendable {
        package let method: String
        package let uri: String
        package let headers: HTTPFields
        package let body: ByteBuffer
        /// When its last byte had arrived.
        package let time: ContinuousClock.Instant

        /// The body as text.
        package var text: String { String(buffer: self.body) }
    }

    /// What a request is answered with.
    package struct Answer: Sendable {
        package var status: Int
        package var headers: HTTPFields
        package var body: String
        /// How long it takes.
        package var delay: Duration
        /// Closes the connection instead of answering.
        package var isCut: Bool
        /// Bytes of body that are announced beyond those that are sent; the connection closes in their place.
        package var missing: Int

        package init(
            _ status: Int = 200, headers: HTTPFields = [:], body: String = "", delay: Duration = .zero,
            isCut: Bool = false, missing: Int = 0
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.delay = delay
            self.isCut = isCut
            self.missing = missing
        }
    }

    private struct State {
        var requests: [Request] = []
        var answer: @Sendable (Request) -> Answer = { _ in Answer() }
        var channels: [ObjectIdentifier: any Channel] = [:]
        var listener: (any Channel)?
    }

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

    /// Starts to listen; every request is answered with 200 until ``answer(with:)`` says otherwise.
    package static func start() async throws -> HTTPPeer {
        let peer = HTTPPeer(port: try LastingPort())
        try await peer.listen()
        return peer
    }

    /// Listens again on the same port after ``stop()``.
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

    /// Stops listening and closes every connection: the next client is refused.
    package func stop() async throws {
        let (listener, channels) = self.state.withLock { state in
            defer { (state.listener, state.channels) = (nil, [:]) }
            return (state.listener, state.channels)
        }
        try await listener?.close()
        // A connection that its peer closed first answers with an error that says only that.
        for channel in channels.values { try? await channel.close() }
    }

    /// Where to send requests to.
    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(self.port)\(path)" }

    /// Everything received so far, in order of arrival.
    package var requests: [Request] { self.state.withLock { $0.requests } }
    /// How many requests were received so far.
    package var count: Int { self.state.withLock { $0.requests.count } }

    /// Answers every following request the same.
    package func answer(with answer: Answer) {
        self.answer { _ in answer }
    }

    /// Answers every following request by what it is.
    ///
    /// Called on an event loop.
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

    /// Collects one request after the other of one connection.
    ///
    /// On its event loop.
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

        private func send(_ answer: Answer, keepAlive: Bool, context: ChannelHandlerContext) {
            guard !answer.isCut else { return context.close(promise: nil) }
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
