import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection for as long as it speaks HTTP/1.x: requests in, answers out, in order.
///
/// On its event loop. Sits behind NIO's request decoder and writes answers as bytes. While an answer is pending nothing more is read; what
/// had arrived already waits in ``inputs``.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, HTTPWatched, HTTPAnswering {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bodies up to this size are read and dropped after a refusal, so that the connection can go on.
    private static let discardLimit = 64 << 10

    private let loop: HTTPLoop
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    /// Set when the server has too many connections: then this is the only answer.
    private let refusal: HTTPResponse?

    private var state = State.idle
    private var inputs = CircularBuffer<Input>()
    private var context: ChannelHandlerContext?
    private var exchangeCount: UInt64 = 0
    private var peer: SocketAddress?
    private var isHandling = false
    private var isReading = false
    private var isReadPending = false
    private var needsFlush = false
    /// The place in ``HTTPLoop``, which alone changes it.
    var index = 0
    private(set) var deadline: NIODeadline

    /// - Parameter deadline: the end of the first request head.
    init(
        loop: HTTPLoop, decoder: ByteToMessageHandler<HTTPRequestDecoder>, refusal: HTTPResponse?, deadline: NIODeadline
    ) {
        self.loop = loop
        self.decoder = decoder
        self.refusal = refusal
        self.deadline = deadline
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
        if let refusal {
            self.finish(refusal, Exchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.inputs = CircularBuffer()
        self.loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        self.take(.part(Self.unwrapInboundIn(data)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        if self.needsFlush {
            self.needsFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if case .answering = self.state {
            self.isReadPending = true
        } else {
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            self.take(.inputClosed)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            self.close()
            return
        }
        switch error {
        case .headerOverflow:
            self.take(.failure(.error(.requestHeaderFieldsTooLarge, "Request header fields too large")))
        case .invalidVersion:
            self.take(.failure(.error(.httpVersionNotSupported, "Only HTTP/1.0 and HTTP/1.1 are spoken here")))
        case .invalidEOFState:
            self.close()
        default:
            self.take(.failure(.error(.badRequest, "Malformed HTTP request")))
        }
    }

    // MARK: - Requests

    private func take(_ input: Input) {
        self.inputs.append(input)
        self.resume()
    }

    private func resume() {
        guard !self.isHandling else { return }
        self.isHandling = true
        while !self.state.isAnswering, let input = self.inputs.popFirst() {
            self.handle(input)
        }
        self.isHandling = false
        if self.isReadPending, !self.state.isAnswering {
            self.isReadPending = false
            self.context?.read()
        }
    }

    private func handle(_ input: Input) {
        switch (self.state, input) {
        case (.idle, .part(.head(let head))):
            self.begin(head)
        case (.body(var incoming), .part(.body(let part))):
            self.state = .idle
            if let refusal = incoming.intake.append(part) {
                self.refuse(refusal, incoming.exchange.closing)
                return
            }
            self.deadline = min(.now() + TimeAmount(self.loop.configuration.bodyTimeout), incoming.deadline)
            self.state = .body(incoming)
        case (.body(let incoming), .part(.end)):
            self.deadline = .distantFuture
            switch incoming.intake.handler {
            case .buffered(let handler):
                self.state = .answering(incoming.exchange)
                guard let context else { return }
                let responder = HTTPResponder(
                    connection: self, exchange: incoming.exchange.number, eventLoop: context.eventLoop
                )
                handler(incoming.intake.request, responder)
            case .stream(let handler):
                self.open(handler(incoming.intake.request, incoming.exchange.framing), incoming.exchange)
            }
        case (.discarding(let response, let exchange), .part(.end)):
            self.finish(response, exchange)
        case (.idle, .failure(let response)), (.body, .failure(let response)), (.discarding, .failure(let response)):
            self.refuse(response, Exchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false))
        case (.idle, .inputClosed), (.body, .inputClosed), (.discarding, .inputClosed), (.lingering, .inputClosed):
            self.closeAfterWrites()
        case (.discarding, .part), (.lingering, _), (.handedOver, _), (.idle, .part), (.body, .part),
            (.answering, _):
            // Of a body nobody wants, or behind the last request of the connection.
            break
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        guard let context else { return }
        self.exchangeCount += 1
        let exchange = Exchange(
            number: self.exchangeCount,
            isKeptAlive: head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "Upgrade"),
            isHead: head.method == .HEAD,
            isHTTP10: head.version == .http1_0
        )
        switch self.loop.router.decide(head, hasBody: head.hasBody, from: self.remoteAddress(context)) {
        case .distrust(let response): self.refuse(response, exchange.closing)
        case .refuse(let response): self.refuse(response, of: head, exchange)
        case .take(let intake): self.begin(intake, of: head, exchange)
        }
    }

    /// Asked for once: each time is a system call.
    private func remoteAddress(_ context: ChannelHandlerContext) -> SocketAddress? {
        if self.peer == nil { self.peer = context.remoteAddress }
        return self.peer
    }

    private func begin(_ intake: HTTPIntake, of head: HTTPRequestHead, _ exchange: Exchange) {
        if head.hasBody, head.expectsContinue {
            self.context?.writeAndFlush(
                Self.wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
        let now = NIODeadline.now()
        let timeout = TimeAmount(self.loop.configuration.bodyTimeout)
        self.deadline = now + timeout
        self.state = .body(
            Incoming(intake: intake, exchange: exchange, deadline: now + timeout * 10)
        )
    }

    // MARK: - Answers

    /// Answers the exchange that is under way, unless its connection has gone meanwhile.
    func respond(_ response: HTTPResponse, to number: UInt64) {
        guard case .answering(let exchange) = self.state, exchange.number == number else { return }
        self.finish(response, exchange)
        self.resume()
    }

    /// Answers before the body has been read: reads on when the body is short, else closes.
    private func refuse(_ response: HTTPResponse, of head: HTTPRequestHead, _ exchange: Exchange) {
        if !head.hasBody || (!head.expectsContinue && head.contentLength.map { $0 <= Self.discardLimit } ?? false) {
            self.deadline = .now() + TimeAmount(self.loop.configuration.bodyTimeout)
            self.state = .discarding(response, exchange)
        } else {
            self.refuse(response, exchange.closing)
        }
    }

    private func refuse(_ response: HTTPResponse, _ exchange: Exchange) {
        self.finish(response, exchange)
        self.inputs.removeAll()
    }

    private func finish(_ response: HTTPResponse, _ exchange: Exchange) {
        guard let context else { return }
        let isKeptAlive = exchange.isKeptAlive && !self.loop.isDraining
        let isBodyless = response.status == .noContent || response.status == .notModified
        var buffer = context.channel.allocator.buffer(capacity: 256 + response.body.readableBytes)
        response.write(
            into: &buffer, date: self.loop.date, length: isBodyless ? nil : response.body.readableBytes,
            framing: isKeptAlive ? (exchange.isHTTP10 ? "Connection: keep-alive\r\n" : "") : "Connection: close\r\n",
            withBody: !isBodyless && !exchange.isHead
        )
        context.write(Self.wrapOutboundOut(buffer), promise: nil)
        if isKeptAlive {
            self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
            self.state = .idle
            self.flush(context)
        } else {
            self.linger(context)
        }
    }

    private func open(_ answer: HTTPStreamAnswer, _ exchange: Exchange) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response, exchange)
        case .later(let answer):
            self.state = .answering(exchange)
            let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { connection.value.decided($0, exchange.number) }
        case .open(let opening) where exchange.isHead:
            self.finish(opening.head, exchange)
        case .open(let opening):
            self.state = .handedOver
            self.inputs.removeAll()
            var head = opening.head
            head.body = ByteBuffer()
            var buffer = context.channel.allocator.buffer(capacity: 512)
            head.write(
                into: &buffer, date: self.loop.date, length: nil,
                framing: exchange.framing == .chunked ? "Transfer-Encoding: chunked\r\n" : "Connection: close\r\n",
                withBody: false
            )
            exchange.framing.write(opening.head.body, into: &buffer)
            context.write(Self.wrapOutboundOut(buffer), promise: nil)
            self.handOver(context, to: opening.handler(context.channel))
        }
    }

    /// Goes on with an answer that took its time.
    private func decided(_ result: Result<HTTPStreamAnswer, any Error>, _ number: UInt64) {
        guard case .answering(let exchange) = self.state, exchange.number == number else { return }
        switch result {
        case .success(let answer): self.open(answer, exchange)
        case .failure: self.finish(.error(.internalServerError, "The request could not be decided"), exchange)
        }
        self.resume()
    }

    private func handOver(_ context: ChannelHandlerContext, to handler: any ChannelHandler) {
        let channel = context.channel
        let pipeline = context.pipeline.syncOperations
        do {
            try channel.syncOptions?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 256))
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            let isEncrypted = (try? pipeline.context(handlerType: NIOSSLServerHandler.self)) != nil
            if !isEncrypted, let sender = handler as? any HTTPDirectSender {
                try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { sender.takeDescriptor($0) }
            }
            try pipeline.addHandler(handler)
        } catch {
            // The channel is closed already.
            channel.close(promise: nil)
            return
        }
        self.loop.add(stream: channel)
        pipeline.removeHandler(self.decoder, promise: nil)
        pipeline.removeHandler(self, promise: nil)
    }

    // MARK: - Ends

    func timeOut() {
        switch self.state {
        case .idle, .lingering, .discarding: self.close()
        case .body(let incoming):
            self.refuse(.error(.requestTimeout, "The request body came too slowly"), incoming.exchange.closing)
        case .answering, .handedOver: break
        }
    }

    func drain() {
        guard case .idle = self.state else { return }
        if self.exchangeCount == 0, let channel = self.context?.channel { channel.resetOnClose() }
        self.close()
    }

    func close() {
        switch self.state {
        case .body, .discarding, .answering: self.context?.channel.resetOnClose()
        case .idle, .lingering, .handedOver: break
        }
        self.context?.close(promise: nil)
    }

    /// Ends the answer's direction and waits for the client to end its own: closing at once could make the kernel discard the answer
    /// that the client has not read (RFC 9112 §9.6).
    private func linger(_ context: ChannelHandlerContext) {
        self.state = .lingering
        self.deadline = .now() + .seconds(2)
        context.flush()
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.close(mode: .output).whenFailure { _ in connection.value.close() }
    }

    private func closeAfterWrites() {
        guard let context else { return }
        self.state = .lingering
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in connection.value.close() }
    }

    private func flush(_ context: ChannelHandlerContext) {
        if self.isReading {
            self.needsFlush = true
        } else {
            context.flush()
        }
    }

    // MARK: - Types

    private enum Input {
        case part(HTTPServerRequestPart)
        case failure(HTTPResponse)
        case inputClosed
    }

    private enum State {
        /// Between requests.
        case idle
        /// The body is being read.
        case body(Incoming)
        /// A body that nobody wants is being read; then this answer.
        case discarding(HTTPResponse, Exchange)
        /// The whole request is with its handler.
        case answering(Exchange)
        /// The last answer is written; the client has not closed yet.
        case lingering
        /// The channel belongs to a stream.
        case handedOver

        var isAnswering: Bool {
            if case .answering = self { true } else { false }
        }
    }

    private struct Incoming {
        var intake: HTTPIntake
        let exchange: Exchange
        /// When the whole body must be there.
        let deadline: NIODeadline
    }

    /// What of a request decides how its answer is written.
    private struct Exchange {
        let number: UInt64
        var isKeptAlive: Bool
        let isHead: Bool
        let isHTTP10: Bool

        var framing: HTTPFraming { self.isHTTP10 ? .untilClose : .chunked }

        var closing: Exchange {
            var copy = self
            copy.isKeptAlive = false
            return copy
        }
    }
}
