import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One stream of an ``HTTP2Connection``, with one request and one answer: performs the actions of its ``StateMachine``.
///
/// On its event loop; the only handler of the stream's channel. A streaming answer gets a channel of its own, see
/// ``HTTP2BodyChannel``.
final class HTTP2Exchange: ChannelInboundHandler, HTTPWatched, HTTPHolder, HTTPAnswering {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Bytes by which a body may grow before they are counted.
    private static let bodyStep = 64 << 10

    let connection: HTTP2Connection
    private(set) var context: ChannelHandlerContext?
    var machine: StateMachine
    /// The channel of a streaming answer.
    var body: HTTP2BodyChannel?
    /// Bytes that are counted for the connection.
    private var reserved = 0
    var hold = HTTPReservation()
    /// The index in ``HTTPLoop``, which alone changes it.
    var index = 0
    var deadline: NIODeadline { self.machine.deadline }

    var loop: HTTPLoop { self.connection.loop }

    init(connection: HTTP2Connection) {
        self.connection = connection
        self.machine = StateMachine(connection.loop.configuration)
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
        // A stream that the client has opened has an id.
        self.connection.opened((try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? .rootStream)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if !self.machine.isStreaming { self.loop.remove(self) }
        let action = self.machine.end()
        self.body = nil
        _ = self.holdMemory()
        self.connection.closed()
        self.perform(action)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .headers(let fields) where self.machine.awaitsHead:
            let head = HTTPHead(HTTPRequestHead(fields.headers))
            self.perform(self.machine.begin(head, endStream: fields.endStream, isRefused: self.connection.isFull))
        case .headers: self.perform(self.machine.takeTrailers())
        case .data(let part):
            guard case .byteBuffer(let bytes) = part.data else { break }
            self.perform(self.machine.take(bytes, endStream: part.endStream, now: .now()))
        default:
            // NIO has handled it.
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.machine.isReadingBody, !self.holdMemory() { self.perform(self.machine.shed()) }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.body?.streamEnded()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.body?.streamWritabilityChanged()
    }

    /// A reset by the client also arrives as an error; the end of the channel is sufficient.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.close()
    }

    // MARK: - Actions

    func perform(_ action: StateMachine.Action) {
        guard let context else {
            // Only a pending handler must be notified that the client has left.
            if case .abandon(let abandoned) = action { abandoned() }
            return
        }
        switch action {
        case .nothing: break
        case .decide(let head, let hasBody): self.decide(head, hasBody: hasBody, context)
        case .findRoom(let authorize, let intake, let head):
            let hasRoom = self.machine.hasClientEnded || self.holdMemory()
            self.perform(self.machine.admitted(authorize, intake, of: head, hasRoom: hasRoom, now: .now()))
        case .authorize(let authorize, let intake, let head): self.ask(authorize, intake, head, context)
        case .sendContinue:
            context.writeAndFlush(Self.wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
        case .countBody(let bytes):
            let hasRoom = bytes - self.hold.bytes < Self.bodyStep || self.holdMemory()
            self.perform(hasRoom ? self.machine.counted() : self.machine.shed())
        case .call(let intake): self.call(intake, context)
        case .answer(let response): self.finish(response)
        case .refuseStream:
            context.writeAndFlush(Self.wrapOutboundOut(.rstStream(.refusedStream)), promise: nil)
            self.connection.refused()
        case .stopRequest: context.writeAndFlush(Self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
        case .close: context.close(promise: nil)
        case .abandon(let abandoned): abandoned()
        }
    }

    private func decide(_ head: HTTPHead, hasBody: Bool, _ context: ChannelHandlerContext) {
        let overload = self.connection.refusal
        let decision = self.loop.decide(head, hasBody: hasBody, from: context.channel.remoteAddress, overload: overload)
        if overload != nil, decision.isRefusal, let parent = context.channel.parent { self.loop.refused(spare: parent) }
        self.perform(self.machine.decided(decision, of: head))
        if overload != nil { self.connection.drain() }
    }

    private func ask(
        _ authorize: HTTPRouter.Authorization, _ intake: HTTPIntake, _ head: HTTPHead, _ context: ChannelHandlerContext
    ) {
        // Nothing is read before the request is permitted.
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
        authorize(intake.request).hop(to: context.eventLoop).whenComplete { result in
            let refusal: HTTPResponse? =
                switch result {
                case .success(let refusal): refusal
                case .failure(let error): HTTPRefusal.response(to: error)
                }
            exchange.value.permitted(refusal, intake, head)
        }
    }

    /// Continues with a request whose access check was not immediate.
    private func permitted(_ refusal: HTTPResponse?, _ intake: HTTPIntake, _ head: HTTPHead) {
        guard self.machine.isDeciding, let context else { return }
        self.perform(self.machine.permitted(refusal, intake, of: head, now: .now()))
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        context.read()
    }

    private func call(_ intake: HTTPIntake, _ context: ChannelHandlerContext) {
        // From here on the handler owns the body.
        _ = self.holdMemory()
        switch intake.handler {
        case .buffered(let handler):
            handler(intake.request, HTTPResponder(connection: self, exchange: 0, eventLoop: context.eventLoop))
        case .stream(let handler):
            self.open(handler(intake.request, .untilClose))
        }
    }

    // MARK: - Memory

    /// Counts the memory of the stream: parts of a body, and an unsent answer.
    ///
    /// - Returns: whether there was room.
    func holdMemory() -> Bool {
        let bytes = self.machine.bytes
        let reserved = max(bytes, self.machine.announced)
        guard reserved != self.reserved || bytes != self.hold.bytes else { return true }
        guard self.connection.reserve(reserved, insteadOf: self.reserved) else { return false }
        self.reserved = reserved
        return self.loop.memory.hold(bytes, for: self)
    }

    func shed() {
        self.perform(self.machine.shed())
        self.loop.memory.release(self)
    }

    // MARK: - The server

    func timeOut() {
        self.perform(self.machine.timeOut())
    }

    /// The connection ends after its streams.
    func drain() {}

    func close() {
        self.context?.close(promise: nil)
    }
}
