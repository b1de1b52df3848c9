import NIOCore
import NIOHTTP1

/// One HTTP/1.x connection: performs the actions of its ``StateMachine``.
///
/// On its event loop. Placed after NIO's request decoder; writes answers as bytes. While a request is decided or
/// answered, or its answer is unread, no other is processed: further input waits in the ``HTTPInputGate`` and, parsed,
/// in ``inputs``.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, HTTPWatched, HTTPHolder, HTTPAnswering {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes by which a body may grow before they are counted.
    private static let bodyStep = 64 << 10
    /// The approximate memory of a parsed part, in bytes.
    private static let partBytes = 512

    let loop: HTTPLoop
    let gate: HTTPInputGate
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    /// Set when the server has too many connections: the answer to everything except vital routes.
    private let overload: HTTPResponse?

    var machine: StateMachine
    private var inputs = CircularBuffer<Input>()
    private(set) var context: ChannelHandlerContext?
    private var peer: SocketAddress?
    private var isHandling = false
    private(set) var isReading = false
    private var isReadPending = false
    /// Bytes of answers that are written and not flushed.
    var unflushed = 0
    /// Bytes of an unsent answer; 0 for one that the socket accepts immediately.
    var answerBytes = 0
    var hold = HTTPReservation()
    /// The index in ``HTTPLoop``, which alone changes it.
    var index = 0
    var deadline: NIODeadline { self.machine.deadline }

    /// - Parameters:
    ///   - overload: set when the server has too many connections.
    ///   - deadline: the end of the first request head.
    init(
        loop: HTTPLoop, gate: HTTPInputGate, decoder: ByteToMessageHandler<HTTPRequestDecoder>, overload: HTTPResponse?,
        deadline: NIODeadline
    ) {
        self.loop = loop
        self.gate = gate
        self.decoder = decoder
        self.overload = overload
        self.machine = StateMachine(loop.configuration, overload: overload, deadline: deadline)
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
        let part = Self.unwrapInboundIn(data)
        self.machine.note(part)
        self.take(.part(part))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        if self.unflushed > 0 {
            self.flush(context)
            self.machine.flushed(isWritable: context.channel.isWritable)
        }
        if !self.holdMemory() { self.shed() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, self.machine.isDraining {
            self.perform(self.machine.becameWritable(now: .now()))
            self.answerBytes = 0
            _ = self.holdMemory()
            self.resume()
        }
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
        switch error as? HTTPParserError {
        case nil, .some(.invalidEOFState): self.close()
        case .some(let error):
            if let response = self.machine.parserFailed(error) { self.take(.failure(response)) }
        }
    }

    // MARK: - Input

    private func take(_ input: Input) {
        self.inputs.append(input)
        self.resume()
    }

    /// Continues with the waiting input.
    func resume() {
        guard !self.isHandling else { return }
        self.isHandling = true
        while self.machine.takesInput, let input = self.inputs.popFirst() {
            self.perform(self.machine.take(input, now: .now()))
        }
        self.isHandling = false
        guard self.machine.takesInput else { return }
        self.gate.resume()
        self.readOn()
    }

    /// Whether more can be parsed now.
    var takesInput: Bool { self.machine.takesInput }

    /// Bytes to parse together.
    var inputPiece: Int { self.machine.inputPiece }

    /// This many bytes go to the parser.
    func willParse(_ bytes: Int) {
        self.machine.willParse(bytes)
    }

    /// The parser has processed a piece.
    func parsed(_ bytes: ByteBuffer) {
        if let response = self.machine.parsed(bytes) { self.take(.failure(response)) }
        self.perform(self.machine.refusalOfExcess())
    }

    /// The client has half-closed or left.
    func clientFinished() {
        self.perform(self.machine.clientFinished())
    }

    /// Reads from the socket once no input is left to process.
    ///
    /// Input that arrives while a request is answered waits in the gate; nothing more is read.
    func readOn() {
        guard self.isReadPending, self.machine.readsOn, self.gate.isEmpty else { return }
        self.isReadPending = false
        self.context?.read()
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
        case .decide(let head, let exchange): self.decide(head, exchange, context)
        case .authorize(let authorize, let intake, let head, let exchange): self.ask(authorize, intake, head, exchange, context)
        case .sendContinue:
            context.writeAndFlush(
                Self.wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        case .countBody(let bytes):
            if bytes - self.hold.bytes >= Self.bodyStep, !self.holdMemory() { self.shed() }
        case .call(let intake, let exchange): self.call(intake, exchange, context)
        case .answer(let response, let exchange): self.finish(response, exchange)
        case .refuse(let response, let exchange):
            self.finish(response, exchange)
            self.dropInput()
            _ = self.holdMemory()
        case .linger: self.linger(context)
        case .closeAfterWrites: self.closeAfterWrites(context)
        case .close(let isReset):
            if isReset { context.channel.resetOnClose() }
            context.close(promise: nil)
        case .abandon(let abandoned): abandoned()
        }
    }

    /// Drops the waiting input.
    func dropInput() {
        self.inputs.removeAll()
        self.gate.drop()
    }

    private func decide(_ head: HTTPHead, _ exchange: HTTPExchange, _ context: ChannelHandlerContext) {
        let decision = self.loop.decide(
            head, hasBody: head.hasBody, from: self.remoteAddress(context), overload: self.overload)
        if self.overload != nil, case .refuseAndClose = decision { self.loop.refused(spare: context.channel) }
        self.perform(self.machine.decided(decision, of: head, exchange, now: .now()))
    }

    /// Cached, because each query is a system call.
    private func remoteAddress(_ context: ChannelHandlerContext) -> SocketAddress? {
        if self.peer == nil { self.peer = context.remoteAddress }
        return self.peer
    }

    private func ask(
        _ authorize: HTTPRouter.Authorization, _ intake: HTTPIntake, _ head: HTTPHead, _ exchange: HTTPExchange,
        _ context: ChannelHandlerContext
    ) {
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        authorize(intake.request).hop(to: context.eventLoop).whenComplete { result in
            let refusal: HTTPResponse? =
                switch result {
                case .success(let refusal): refusal
                case .failure(let error): HTTPRefusal.response(to: error)
                }
            connection.value.permitted(refusal, intake, head, exchange)
        }
    }

    private func permitted(_ refusal: HTTPResponse?, _ intake: HTTPIntake, _ head: HTTPHead, _ exchange: HTTPExchange) {
        self.perform(self.machine.permitted(refusal, intake, of: head, exchange, now: .now()))
        self.resume()
    }

    private func call(_ intake: HTTPIntake, _ exchange: HTTPExchange, _ context: ChannelHandlerContext) {
        // From here on the handler owns the body.
        _ = self.holdMemory()
        switch intake.handler {
        case .buffered(let handler):
            let responder = HTTPResponder(connection: self, exchange: exchange.number, eventLoop: context.eventLoop)
            handler(intake.request, responder)
        case .stream(let handler):
            self.open(handler(intake.request, exchange.framing), exchange)
        }
    }

    // MARK: - Memory

    /// Counts the memory of the connection: parts of a request, an unsent answer, and waiting input.
    ///
    /// - Returns: whether there was room.
    func holdMemory() -> Bool {
        let waiting = self.gate.waitingBytes + self.inputs.count * Self.partBytes
        let bytes = waiting + self.answerBytes + self.machine.requestBytes
        return bytes == self.hold.bytes || self.loop.memory.hold(bytes, for: self)
    }

    func shed() {
        self.perform(self.machine.shed())
    }

    // MARK: - The server

    func timeOut() {
        let channel = self.context?.channel
        let action = self.machine.timeOut(
            now: .now(), unsent: (try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
        self.perform(action)
    }

    func drain() {
        self.perform(self.machine.drain())
    }

    func close() {
        self.perform(self.machine.close())
    }
}
