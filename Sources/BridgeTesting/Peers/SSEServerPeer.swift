import Glibc
package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server of one event stream on loopback: keeps published events, replays after `Last-Event-ID`, closes connections
/// on request.
///
/// Thread-safe. Every path serves the stream. Closes with its last reference.
package final class SSEServerPeer: Sendable {
    /// One event to write.
    ///
    /// A field that is `nil` is not written.
    package struct Event: Sendable {
        /// The `id` field.
        package var id: String?
        /// The `event` field.
        package var type: String?
        /// The `data` lines in bytes; CR, LF and CRLF each end a line.
        package var data: ByteBuffer

        /// Makes an event from bytes.
        package init(id: String? = nil, type: String? = nil, data: ByteBuffer) {
            self.id = id
            self.type = type
            self.data = data
        }

        /// Makes an event from text.
        package init(id: String? = nil, type: String? = nil, _ data: String) {
            self.init(id: id, type: type, data: ByteBuffer(string: data))
        }

        /// Looking at bytes one by one takes too long without optimisation.
        private var hasLineEnds: Bool {
            self.data.withUnsafeReadableBytes { bytes in
                guard let base = bytes.baseAddress else { return false }
                return memchr(base, 10, bytes.count) != nil || memchr(base, 13, bytes.count) != nil
            }
        }

        fileprivate func write(to buffer: inout ByteBuffer) {
            if let id { buffer.writeString("id: \(id)\n") }
            if let type { buffer.writeString("event: \(type)\n") }
            buffer.writeString("data: ")
            guard self.hasLineEnds else {
                buffer.writeImmutableBuffer(self.data)
                buffer.writeString("\n\n")
                return
            }
            var previous: UInt8 = 0
            for byte in self.data.readableBytesView {
                switch byte {
                case 10 where previous == 13: break
                case 10, 13: buffer.writeString("\ndata: ")
                default: buffer.writeInteger(byte)
                }
                previous = byte
            }
            buffer.writeString("\n\n")
        }
    }

    /// One request for the stream.
    package struct Request: Sendable {
        /// The method, in its original case.
        package let method: String
        /// The request target, with the query.
        package let uri: String
        /// The header fields.
        package let headers: HTTPFields
        /// The complete body.
        package let body: ByteBuffer

        /// The `Last-Event-ID` field (WHATWG HTML §9.2.4); `nil` for a client that does not resume.
        package var lastEventID: String? { self.headers["last-event-id"] }
    }

    /// An answer instead of the stream.
    package struct Refusal: Sendable {
        /// The status code.
        package var status: Int
        /// The header fields; `content-length: 0` is added.
        package var headers: HTTPFields

        /// Makes an answer with an empty body.
        package init(_ status: Int, headers: HTTPFields = [:]) {
            self.status = status
            self.headers = headers
        }
    }

    private struct State {
        var published: [Event] = []
        var requests: [Request] = []
        var streams: [ObjectIdentifier: any Channel] = [:]
        var connections: [ObjectIdentifier: any Channel] = [:]
        var refusal: (@Sendable (Request) -> Refusal?)?
        var replays = true
        var listener: (any Channel)?
        /// While frozen: the number of events published before, and the requests received since.
        var frozenFrom: Int?
        var held: [(request: Request, channel: any Channel)] = []
    }

    /// The port of 127.0.0.1; the same after ``stop()`` and ``listen()``.
    package var port: Int { self.reservation.number }
    private let reservation: LastingPort
    private let state = Mutex(State())

    private init(port: LastingPort) {
        self.reservation = port
    }

    deinit {
        self.state.withLock { state in
            state.listener?.close(promise: nil)
            for channel in state.connections.values { channel.close(promise: nil) }
        }
    }

    /// Starts a peer without events.
    ///
    /// - Throws: ``PeerError`` when no port is free.
    package static func start() async throws -> SSEServerPeer {
        let peer = SSEServerPeer(port: try LastingPort())
        try await peer.listen()
        return peer
    }

    /// Listens on the same port again after ``stop()``, with all published events.
    package func listen() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { throw PeerError("the peer is gone") }
                    self.add(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(StreamHandler(peer: self))
                }
            }
            .bind(host: "127.0.0.1", port: self.port).get()
        self.state.withLock { $0.listener = channel }
    }

    /// Stops listening and closes every connection.
    package func stop() async throws {
        let (listener, channels) = self.state.withLock { state in
            defer { (state.listener, state.connections, state.streams) = (nil, [:], [:]) }
            (state.frozenFrom, state.held) = (nil, [])
            return (state.listener, state.connections)
        }
        try await listener?.close()
        // Closing a connection that its client has closed throws an error without information.
        for channel in channels.values { try? await channel.close() }
    }

    /// The URL of the stream.
    package func url(_ path: String = "/stream") -> String { "http://127.0.0.1:\(self.port)\(path)" }

    /// Sends nothing and answers nothing until ``thaw()``, like a stopped process; connections stay open and new ones
    /// are accepted.
    package func freeze() {
        self.state.withLock { state in
            if state.frozenFrom == nil { state.frozenFrom = state.published.count }
        }
    }

    /// Ends ``freeze()``: sends the events published meanwhile and answers the held requests.
    package func thaw() {
        let held = self.state.withLock { state in
            defer { (state.frozenFrom, state.held) = (nil, []) }
            if let from = state.frozenFrom { Self.send(state.published[from...], to: state.streams.values) }
            return state.held
        }
        for (request, channel) in held where channel.isActive { self.serve(request, on: channel) }
    }

    private static func send(_ events: ArraySlice<Event>, to channels: some Sequence<any Channel>) {
        guard !events.isEmpty else { return }
        var buffer = ByteBuffer()
        for event in events { event.write(to: &buffer) }
        for channel in channels {
            channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer)), promise: nil)
        }
    }

    /// Writes events to all connected clients and keeps them for replay.
    package func publish(_ events: [Event]) {
        self.state.withLock { state in
            state.published += events
            guard state.frozenFrom == nil else { return }
            Self.send(events[...], to: state.streams.values)
        }
    }

    /// Writes bytes unchanged to all connected clients, without keeping them.
    package func write(raw bytes: ByteBuffer) {
        self.state.withLock { state in
            for channel in state.streams.values {
                channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(bytes)), promise: nil)
            }
        }
    }

    /// Closes every connection; clients can reconnect at once.
    package func cut() {
        let channels = self.state.withLock { state in
            defer { state.streams = [:] }
            return Array(state.connections.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Sets the rule that refuses later requests; a rule that returns `nil`, or no rule, serves the stream.
    package func refuse(_ rule: (@Sendable (Request) -> Refusal?)?) {
        self.state.withLock { $0.refusal = rule }
    }

    /// Sets whether `Last-Event-ID` causes a replay; true by default.
    package func replays(_ value: Bool) {
        self.state.withLock { $0.replays = value }
    }

    /// All requests so far, the refused ones included.
    package var requests: [Request] { self.state.withLock { $0.requests } }
    /// The number of clients that receive the stream now.
    package var clients: Int { self.state.withLock { $0.streams.count } }

    private func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        self.state.withLock { $0.connections[id] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { state in
                state.connections.removeValue(forKey: id)
                state.streams.removeValue(forKey: id)
            }
        }
    }

    /// Answers a request; from then on its channel receives what is published.
    ///
    /// May be called from any thread.
    fileprivate func serve(_ request: Request, on channel: any Channel) {
        self.state.withLock { state in
            guard state.frozenFrom == nil else { return state.held.append((request, channel)) }
            state.requests.append(request)
            if let refusal = state.refusal?(request) {
                var headers = refusal.headers.headers
                headers.replaceOrAdd(name: "content-length", value: "0")
                let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: refusal.status), headers: headers)
                channel.write(HTTPServerResponsePart.head(head), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
                return
            }
            let headers: HTTPHeaders = ["content-type": "text/event-stream", "cache-control": "no-cache"]
            channel.write(
                HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)), promise: nil
            )
            var buffer = ByteBuffer(string: ": welcome\n\n")
            if state.replays, let last = request.lastEventID, let index = state.published.lastIndex(where: { $0.id == last }) {
                for event in state.published[(index + 1)...] { event.write(to: &buffer) }
            }
            channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer)), promise: nil)
            state.streams[ObjectIdentifier(channel)] = channel
        }
    }

    /// Collects the request of one connection.
    ///
    /// Runs on its event loop.
    private final class StreamHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private weak var peer: SSEServerPeer?
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(peer: SSEServerPeer) {
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
                    method: head.method.rawValue, uri: head.uri, headers: HTTPFields(head.headers), body: self.body
                )
                peer.serve(request, on: context.channel)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
