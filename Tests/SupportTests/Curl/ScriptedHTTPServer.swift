import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP/1.1 server on loopback whose answers a test writes: real sockets, every byte under the test's control.
final class ScriptedHTTPServer: Sendable {
    /// One request, complete with its body.
    struct Request: Sendable {
        let method: String
        let uri: String
        /// Names as they came.
        let headers: [(name: String, value: String)]
        let body: ByteBuffer
        /// Which connection it came on, from 1; two requests of one number came on one connection.
        let connection: Int

        /// The first value of a header, regardless of the case of its name.
        subscript(_ name: String) -> String? {
            self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What answers one request.
    ///
    /// Thread-safe; calls are carried out in order.
    struct Reply: Sendable {
        private let channel: any Channel

        fileprivate init(_ channel: any Channel) {
            self.channel = channel
        }

        /// Answers all at once.
        func answer(_ status: Int, _ headers: [(String, String)] = [], _ body: String = "") {
            let buffer = ByteBuffer(string: body)
            self.begin(status, headers + [("Content-Length", "\(buffer.readableBytes)")])
            self.write(buffer)
            self.end()
        }

        /// Sends status and headers; without a `Content-Length` the body is chunked.
        func begin(_ status: Int, _ headers: [(String, String)] = []) {
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: HTTPHeaders(headers)
            )
            self.channel.writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
        }

        /// Sends a part of the body.
        func write(_ text: String) {
            self.write(ByteBuffer(string: text))
        }

        /// Sends a part of the body.
        func write(_ bytes: ByteBuffer) {
            self.channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(bytes)), promise: nil)
        }

        /// Ends the body.
        func end() {
            self.channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }

        /// Closes the connection, without the rest of the response.
        func cut() {
            self.channel.close(promise: nil)
        }

        /// Waits until the connection is closed, by either side.
        func untilClosed() async throws {
            try await self.channel.closeFuture.get()
        }
    }

    /// The port on 127.0.0.1; 0 when it listens on a Unix domain socket.
    let port: Int
    private let listener: any Channel
    private let recorder: Recorder

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - unixSocket: a path to listen on in place of a free port.
    ///   - port: 0 for a free one; a test that restarts its server names the one it had.
    ///   - prepare: adds handlers before HTTP, such as TLS.
    ///   - handle: called for each request, on the connection's event loop; must not block.
    init(
        unixSocket: String? = nil, port: Int = 0, prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        handle: @escaping @Sendable (Request, Reply) -> Void
    ) async throws {
        let recorder = Recorder()
        self.recorder = recorder
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: unixSocket == nil ? 1 : 0)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = recorder.add(channel)
                    try prepare(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandler(
                        RequestHandler(connection: connection) { request in
                            recorder.add(request)
                            handle(request, Reply(channel))
                        }
                    )
                }
            }
        if let unixSocket {
            self.listener = try await bootstrap.bind(unixDomainSocketPath: unixSocket).get()
        } else {
            self.listener = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        }
        self.port = self.listener.localAddress?.port ?? 0
    }

    /// `http://127.0.0.1:PORT` and a path.
    func url(_ path: String = "/") -> String {
        "http://127.0.0.1:\(self.port)\(path)"
    }

    /// Every request so far, in the order they were complete.
    var requests: [Request] { self.recorder.requests }

    /// Closes every connection and continues listening.
    func cutConnections() {
        for channel in self.recorder.takeChannels() { channel.close(promise: nil) }
    }

    /// Closes every connection and stops listening.
    func stop() async throws {
        try await self.listener.close().get()
        self.cutConnections()
    }
}

/// What has happened on all connections.
///
/// Guarded by its lock.
private final class Recorder: Sendable {
    private struct State {
        var connections = 0
        var channels: [any Channel] = []
        var requests: [ScriptedHTTPServer.Request] = []
    }

    private let state = Mutex(State())

    var requests: [ScriptedHTTPServer.Request] { self.state.withLock { $0.requests } }

    func add(_ channel: any Channel) -> Int {
        self.state.withLock { state in
            state.channels.removeAll { !$0.isActive }
            state.channels.append(channel)
            state.connections += 1
            return state.connections
        }
    }

    func add(_ request: ScriptedHTTPServer.Request) {
        self.state.withLock { $0.requests.append(request) }
    }

    func takeChannels() -> [any Channel] {
        self.state.withLock { state in
            let channels = state.channels
            state.channels = []
            return channels
        }
    }
}

private final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let connection: Int
    private let handle: (ScriptedHTTPServer.Request) -> Void
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(connection: Int, handle: @escaping (ScriptedHTTPServer.Request) -> Void) {
        self.connection = connection
        self.handle = handle
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.body = ByteBuffer()
        case .body(var part):
            self.body.writeBuffer(&part)
        case .end:
            guard let head = self.head else { return }
            self.handle(
                ScriptedHTTPServer.Request(
                    method: head.method.rawValue, uri: head.uri, headers: head.headers.map { ($0.name, $0.value) },
                    body: self.body, connection: self.connection
                )
            )
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
