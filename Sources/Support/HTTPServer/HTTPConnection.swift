import NIOCore
import NIOHTTP1

/// One connection for as long as it speaks HTTP/1.x: requests in, answers out, in order.
///
/// On its event loop. Sits behind NIO's request decoder and writes answers as bytes. While a request is being decided or answered, and while
/// its answer is not read, no other is handled; what has arrived waits in the ``HTTPInputGate`` and, parsed, in ``inputs``.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, HTTPWatched, HTTPHolder, HTTPAnswering {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bodies up to this size are read and dropped after a refusal, so that the connection can go on.
    private static let discardLimit = 64 << 10
    /// Bytes of an unfinished head that are not counted: every connection has some.
    private static let smallHead = 4 << 10
    /// Bytes by which a body may grow before they are counted.
    private static let bodyStep = 64 << 10
    /// Bytes of memory that a parsed part takes up, roughly.
    private static let partBytes = 512

    let loop: HTTPLoop
    let gate: HTTPInputGate
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    /// Set when the server has too many connections: then this is the only answer but for vital routes.
    let refusal: HTTPResponse?

    var state = State.idle
    var inputs = CircularBuffer<Input>()
    private(set) var context: ChannelHandlerContext?
    private(set) var exchangeCount: UInt64 = 0
    private var peer: SocketAddress?
    private var isHandling = false
    private(set) var isReading = false
    var isReadPending = false
    var hasClientFinished = false
    /// Bytes of answers that are written and not flushed.
    var unflushed = 0
    /// Bytes of the next head that have gone to the parser, which keeps them and makes fields of them.
    var headBytes = 0
    /// Bytes of the present body that have gone to the parser, with all that divides it.
    var bodyBytes = 0
    /// Bytes of an answer that is not sent yet; 0 for one that the socket takes at once.
    var answerBytes = 0
    var hold = HTTPHold()
    /// The place in ``HTTPLoop``, which alone changes it.
    var index = 0
    var deadline: NIODeadline

    /// - Parameter deadline: the end of the first request head.
    init(
        loop: HTTPLoop, gate: HTTPInputGate, decoder: ByteToMessageHandler<HTTPRequestDecoder>, refusal: HTTPResponse?,
        deadline: NIODeadline
    ) {
        self.loop = loop
        self.gate = gate
        self.decoder = decoder
        self.refusal = refusal
        self.deadline = deadline
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.gate.connection = self
        self.loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.gate.connection = nil
        self.inputs = CircularBuffer()
        self.clientFinished()
        self.loop.memory.release(self)
        self.loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        self.take(.part(Self.unwrapInboundIn(data)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        if self.unflushed > 0 {
            self.flush(context)
            if case .idle = self.state { self.drainIfUnread(context, isKeptAlive: true) }
        }
        if !self.count() { self.shed() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.answerWasRead() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        self.isReadPending = true
        self.readOn()
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

    // MARK: - Input

    private func take(_ input: Input) {
        self.inputs.append(input)
        self.resume()
    }

    /// Goes on with what has arrived.
    func resume() {
        guard !self.isHandling else { return }
        self.isHandling = true
        while self.takesInput, let input = self.inputs.popFirst() {
            self.handle(input)
        }
        self.isHandling = false
        guard self.takesInput else { return }
        self.gate.resume()
        self.readOn()
    }

    private func handle(_ input: Input) {
        switch (self.state, input) {
        case (.idle, .part(.head(let head))):
            self.begin(head)
        case (.body(var incoming), .part(.body(let part))):
            self.state = .idle
            let refusal = incoming.append(part)
            self.deadline = min(.now() + TimeAmount(self.loop.configuration.bodyTimeout), incoming.deadline)
            let exchange = incoming.exchange
            let grown = incoming.intake.bytes - self.hold.bytes
            self.state = .body(incoming)
            if let refusal {
                self.refuse(refusal, exchange.closing)
            } else if grown >= Self.bodyStep, !self.count() {
                self.refuse(incoming.intake.completed(.outOfMemory), exchange.closing)
            }
        case (.body(let incoming), .part(.end)):
            self.call(incoming)
        case (.discarding(let response, let exchange), .part(.end)):
            self.finish(response, exchange)
        case (.idle, .failure(let response)), (.body, .failure(let response)), (.discarding, .failure(let response)):
            self.refuse(response, Exchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false))
        case (.idle, .inputClosed), (.body, .inputClosed), (.discarding, .inputClosed), (.lingering, .inputClosed):
            self.closeAfterWrites()
        case (.discarding, .part), (.lingering, _), (.handedOver, _), (.idle, .part), (.body, .part),
            (.deciding, _), (.answering, _), (.draining, _):
            // Of a body nobody wants, or behind the last request of the connection.
            break
        }
    }

    // MARK: - Requests

    private func begin(_ head: HTTPRequestHead) {
        guard let context else { return }
        self.exchangeCount += 1
        self.headBytes = 0
        let head = head.withoutOuterSpace.withHostOfTarget
        let exchange = Exchange(
            number: self.exchangeCount,
            isKeptAlive: self.refusal == nil && head.isKeepAlive && head.method != .CONNECT
                && !head.headers.contains(name: "Upgrade"),
            isHead: head.method == .HEAD,
            isHTTP10: head.version == .http1_0
        )
        switch self.loop.decide(head, hasBody: head.hasBody, from: self.remoteAddress(context), overload: self.refusal)
        {
        case .distrust(let response):
            if self.refusal != nil { self.loop.refused(spare: context.channel) }
            self.refuse(response, exchange.closing)
        case .refuse(let response): self.refuse(response, of: head, exchange)
        case .take(let intake): self.begin(intake, of: head, exchange)
        case .ask(let authorize, let intake):
            var exchange = exchange
            exchange.answerFields = intake.answerFields
            self.state = .deciding(exchange)
            self.deadline = .distantFuture
            let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
            authorize(intake.request).hop(to: context.eventLoop).whenComplete { [exchange] in
                connection.value.decided($0, intake, of: head, exchange)
            }
        }
    }

    /// Goes on with a request whose permission took its time.
    private func decided(
        _ result: Result<HTTPResponse?, any Error>, _ intake: HTTPIntake, of head: HTTPRequestHead, _ exchange: Exchange
    ) {
        guard case .deciding = self.state else { return }
        self.state = .idle
        switch result {
        case .success(nil): self.begin(intake, of: head, exchange)
        case .success(.some(let refusal)): self.refuse(refusal, of: head, exchange)
        case .failure(let error): self.refuse(HTTPRefusal.response(to: error), of: head, exchange)
        }
        self.resume()
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
        self.bodyBytes = 0
        var exchange = exchange
        exchange.answerFields = intake.answerFields
        self.state = .body(
            Incoming(intake: intake, exchange: exchange, deadline: now + timeout * 10, rest: head.contentLength ?? 0)
        )
    }

    private func call(_ incoming: Incoming) {
        guard let context else { return }
        self.deadline = .distantFuture
        self.state = .answering(incoming.exchange, nil)
        // From here on the body is its handler's.
        _ = self.count()
        switch incoming.intake.handler {
        case .buffered(let handler):
            let responder = HTTPResponder(
                connection: self, exchange: incoming.exchange.number, eventLoop: context.eventLoop
            )
            handler(incoming.intake.request, responder)
        case .stream(let handler):
            self.open(handler(incoming.intake.request, incoming.exchange.framing), incoming.exchange)
        }
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

    /// Answers, and forgets what has arrived behind the request.
    func refuse(_ response: HTTPResponse, _ exchange: Exchange) {
        self.finish(response, exchange)
        self.inputs.removeAll()
        self.gate.drop()
        _ = self.count()
    }

    // MARK: - Memory

    /// Counts what the connection keeps in memory: parts of a body, an unsent answer, and what waits behind.
    ///
    /// - Returns: whether there was room.
    func count() -> Bool {
        var bytes = self.gate.waitingBytes + self.inputs.count * Self.partBytes + self.answerBytes
        switch self.state {
        case .body(let incoming): bytes += incoming.intake.bytes
        case .idle where self.headBytes > Self.smallHead: bytes += 3 * self.headBytes
        default: break
        }
        return bytes == self.hold.bytes || self.loop.memory.hold(bytes, for: self)
    }

    func shed() {
        if case .body(let incoming) = self.state {
            self.refuse(incoming.intake.completed(.outOfMemory), incoming.exchange.closing)
        } else {
            self.context?.channel.resetOnClose()
            self.context?.close(promise: nil)
        }
    }
}
