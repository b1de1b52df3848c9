import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One stream of an ``HTTP2Connection``: one request, one answer.
///
/// On its event loop; the only handler of the stream's channel. An answer that is a stream itself gets a channel of its own, see
/// ``HTTP2BodyChannel``.
final class HTTP2Exchange: ChannelInboundHandler, HTTPWatched, HTTPHolder, HTTPAnswering {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Bytes of a body that come before it is asked for: the window of a new stream (RFC 9113 §6.9.2).
    private static let window = 65_535
    /// Bytes by which a body may grow before they are counted.
    private static let bodyStep = 64 << 10

    let connection: HTTP2Connection
    private(set) var context: ChannelHandlerContext?
    var state = State.head
    private(set) var isHead = false
    private(set) var hasClientEnded = false
    /// Header fields that the answer gets beside its own.
    private(set) var answerFields: [(name: String, value: String)] = []
    /// Bytes of body that the request has announced.
    private var announced = 0
    /// Bytes of an answer that are not sent yet; 0 for a small one.
    var answerBytes = 0
    private var reserved = 0
    var hold = HTTPHold()
    var index = 0
    var deadline = NIODeadline.distantFuture

    var loop: HTTPLoop { self.connection.loop }

    init(connection: HTTP2Connection) {
        self.connection = connection
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
        // A stream that the client has opened has its number.
        self.connection.opened((try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? .rootStream)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if !self.state.isStreaming { self.loop.remove(self) }
        let state = self.state
        self.state = .ended
        self.answerBytes = 0
        self.announced = 0
        _ = self.count()
        self.connection.closed()
        if case .answering(.some(let abandoned)) = state { abandoned() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (self.state, Self.unwrapInboundIn(data)) {
        case (.head, .headers(let head)):
            self.hasClientEnded = head.endStream
            self.begin(HTTPRequestHead(head.headers), context)
        case (.body(var incoming), .data(let part)):
            self.state = .ended
            self.hasClientEnded = part.endStream
            var refusal: HTTPResponse?
            if case .byteBuffer(let bytes) = part.data { refusal = incoming.intake.append(bytes) }
            self.deadline = min(.now() + TimeAmount(self.loop.configuration.bodyTimeout), incoming.deadline)
            self.state = .body(incoming)
            if let refusal {
                self.finish(refusal)
            } else if incoming.intake.bytes - self.hold.bytes >= Self.bodyStep, !self.count() {
                self.finish(incoming.intake.completed(.outOfMemory))
            } else if part.endStream {
                self.call(incoming.intake, context)
            }
        case (.body(let incoming), .headers):
            // Trailers end the body.
            self.hasClientEnded = true
            self.call(incoming.intake, context)
        case (_, .data(let part)) where part.endStream:
            self.hasClientEnded = true
        default:
            // Of a body nobody wants, or what NIO has dealt with.
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .body(let incoming) = self.state, !self.count() { self.finish(incoming.intake.completed(.outOfMemory)) }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .streaming(let channel) = self.state { channel.streamEnded() }
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let channel) = self.state { channel.streamWritabilityChanged() }
    }

    /// A reset by the client comes as an error too; the end of the channel says it all.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.close()
    }

    // MARK: - The request

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.isHead = head.method == .HEAD
        guard !self.connection.isFull else {
            self.refuseStream(context)
            return
        }
        let hasBody = !self.hasClientEnded && (head.contentLength ?? 0) > 0
        let overload = self.connection.refusal
        defer { if overload != nil { self.connection.drain() } }
        switch self.loop.decide(head, hasBody: hasBody, from: context.channel.remoteAddress, overload: overload)
        {
        case .distrust(let response), .refuse(let response):
            if overload != nil, let parent = context.channel.parent { self.loop.refused(spare: parent) }
            self.finish(response)
        case .take(let intake):
            if self.reserve(head, context) { self.begin(intake, head, context) }
        case .ask(let authorize, let intake):
            self.state = .deciding
            self.answerFields = intake.answerFields
            guard self.reserve(head, context) else { return }
            // What has not been permitted is not read.
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)
            let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
            authorize(intake.request).hop(to: context.eventLoop).whenComplete { exchange.value.decided($0, intake, head) }
        }
    }

    /// Takes a place for the announced body, or refuses the stream, so that the client tries again (RFC 9113 §8.7).
    private func reserve(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        guard !self.hasClientEnded else { return true }
        self.announced = head.contentLength ?? 0
        guard self.count() else {
            self.announced = 0
            self.refuseStream(context)
            return false
        }
        return true
    }

    /// Goes on with a request whose permission took its time.
    private func decided(_ result: Result<HTTPResponse?, any Error>, _ intake: HTTPIntake, _ head: HTTPRequestHead) {
        guard case .deciding = self.state, let context else { return }
        switch result {
        case .success(nil): self.begin(intake, head, context)
        case .success(.some(let refusal)): self.finish(refusal)
        case .failure(let error): self.finish(HTTPRefusal.response(to: error))
        }
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        context.read()
    }

    private func begin(_ intake: HTTPIntake, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.answerFields = intake.answerFields
        guard !self.hasClientEnded else {
            self.call(intake, context)
            return
        }
        if head.expectsContinue {
            context.writeAndFlush(Self.wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
        }
        let timeout = TimeAmount(self.loop.configuration.bodyTimeout)
        self.deadline = .now() + timeout
        self.state = .body(Incoming(intake: intake, deadline: .now() + timeout * 10))
    }

    private func call(_ intake: HTTPIntake, _ context: ChannelHandlerContext) {
        self.deadline = .distantFuture
        self.state = .answering(abandoned: nil)
        // From here on the body is its handler's.
        self.announced = 0
        _ = self.count()
        switch intake.handler {
        case .buffered(let handler):
            handler(intake.request, HTTPResponder(connection: self, exchange: 0, eventLoop: context.eventLoop))
        case .stream(let handler):
            self.open(handler(intake.request, .untilClose))
        }
    }

    private func refuseStream(_ context: ChannelHandlerContext) {
        self.state = .ended
        context.writeAndFlush(Self.wrapOutboundOut(.rstStream(.refusedStream)), promise: nil)
        self.connection.refused()
    }

    // MARK: - Memory

    /// Counts what the stream keeps in memory: parts of a body, and an unsent answer.
    ///
    /// - Returns: whether there was room.
    func count() -> Bool {
        let bytes = self.state.bodyBytes(window: self.hasClientEnded ? 0 : Self.window) + self.answerBytes
        let reserved = max(bytes, self.announced)
        guard reserved != self.reserved || bytes != self.hold.bytes else { return true }
        guard self.connection.reserve(reserved, insteadOf: self.reserved) else { return false }
        self.reserved = reserved
        return self.loop.memory.hold(bytes, for: self)
    }

    func shed() {
        switch self.state {
        case .body(let incoming): self.finish(incoming.intake.completed(.outOfMemory))
        case .deciding: self.finish(.outOfMemory)
        case .head, .answering, .streaming, .ending, .lingering, .ended: self.close()
        }
        self.loop.memory.release(self)
    }

    // MARK: - Types

    enum State {
        case head
        /// Somebody decides whether the request may come.
        case deciding
        case body(Incoming)
        /// The whole request is with its handler, which may want to know when the client leaves.
        case answering(abandoned: (@Sendable () -> Void)?)
        /// The answer belongs to a handler of its own.
        case streaming(HTTP2BodyChannel)
        /// The answer is written, but not sent yet.
        case ending
        /// The answer is sent; the client still sends its request.
        case lingering
        case ended

        var isStreaming: Bool {
            if case .streaming = self { true } else { false }
        }

        /// Bytes of memory that the request's body takes up.
        ///
        /// - Parameter window: bytes that NIO keeps of a body that nobody reads yet.
        func bodyBytes(window: Int) -> Int {
            switch self {
            case .deciding: window
            case .body(let incoming): incoming.intake.bytes
            case .head, .answering, .streaming, .ending, .lingering, .ended: 0
            }
        }
    }

    struct Incoming {
        var intake: HTTPIntake
        /// When the whole body must be there.
        let deadline: NIODeadline
    }
}
