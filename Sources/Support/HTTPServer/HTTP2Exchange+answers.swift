import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// How an answer is written, and how the stream ends.
extension HTTP2Exchange {
    /// Answers up to this size are not counted: a connection has few streams.
    private static let smallAnswer = 4 << 10
    /// An answer is written in pieces of this size, so that each that is sent shows that the client reads.
    private static let piece = 64 << 10

    func respond(_ response: HTTPResponse, to number: UInt64) {
        if case .answering = self.state { self.finish(response) }
    }

    func finish(_ response: HTTPResponse, hasLength: Bool = true) {
        guard let context else { return }
        var response = response
        if !self.answerFields.isEmpty { response.headers += self.answerFields }
        func hasBody(_ response: HTTPResponse) -> Bool {
            response.status != .noContent && response.status != .notModified && !self.isHead && response.body.readableBytes > 0
        }
        self.state = .ending
        if hasBody(response), response.body.readableBytes > Self.smallAnswer {
            self.answerBytes = response.body.readableBytes
            if !self.count() {
                self.answerBytes = 0
                response = response.withoutMemory
            }
        } else {
            _ = self.count()
        }
        let isBodyless = response.status == .noContent || response.status == .notModified
        let length = isBodyless || !hasLength ? nil : response.body.readableBytes
        let head = response.fields(date: self.loop.date, length: length)
        self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        let promise = context.eventLoop.makePromise(of: Void.self)
        self.whenSent(promise.futureResult, context)
        guard hasBody(response) else {
            context.writeAndFlush(Self.wrapOutboundOut(.headers(.init(headers: head, endStream: true))), promise: promise)
            return
        }
        context.write(Self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
        self.write(response.body, context, promise)
        context.flush()
    }

    private func write(_ body: ByteBuffer, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>) {
        var body = body
        while body.readableBytes > Self.piece, let piece = body.readSlice(length: Self.piece) {
            let sent = context.eventLoop.makePromise(of: Void.self)
            let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
            sent.futureResult.whenSuccess { exchange.value.sent(piece.readableBytes) }
            context.write(Self.wrapOutboundOut(.data(.init(data: .byteBuffer(piece)))), promise: sent)
        }
        context.write(Self.wrapOutboundOut(.data(.init(data: .byteBuffer(body), endStream: true))), promise: promise)
    }

    /// The client has taken a piece of the answer.
    private func sent(_ bytes: Int) {
        guard case .ending = self.state else { return }
        self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        self.answerBytes = max(0, self.answerBytes - bytes)
        _ = self.count()
    }

    func open(_ answer: HTTPStreamAnswer) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response)
        case .later(let answer, let abandoned):
            self.state = .answering(abandoned: abandoned)
            let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { exchange.value.decided($0) }
        case .open(let opening) where self.isHead:
            self.finish(opening.head, hasLength: false)
        case .open(let opening):
            let head = opening.head.fields(date: self.loop.date, length: nil)
            context.write(Self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
            let channel = HTTP2BodyChannel(stream: context.channel, exchange: self)
            self.loop.remove(self)
            self.state = .streaming(channel)
            channel.begin(opening)
        }
    }

    /// Goes on with an answer that took its time.
    private func decided(_ result: Result<HTTPStreamAnswer, any Error>) {
        guard case .answering = self.state else {
            // The client has left meanwhile.
            if case .success(.later(_, .some(let abandoned))) = result { abandoned() }
            return
        }
        switch result {
        case .success(let answer): self.open(answer)
        case .failure: self.finish(.error(.internalServerError, "The request could not be decided"))
        }
    }

    /// Ends an answer that is a stream, once everything before has been sent.
    func endStream() {
        guard let context, self.state.isStreaming else { return }
        self.loop.add(self)
        self.state = .ending
        // What the client does not take now it will not miss.
        self.deadline = .now() + .seconds(2)
        let promise = context.eventLoop.makePromise(of: Void.self)
        self.whenSent(promise.futureResult, context)
        context.writeAndFlush(
            Self.wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))), promise: promise
        )
    }

    // MARK: - Ends

    /// Gives a client that still sends when its answer is complete a moment to notice.
    private func whenSent(_ sent: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
        let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
        sent.whenComplete { result in
            switch result {
            case .success: exchange.value.linger()
            case .failure: exchange.value.close()
            }
        }
    }

    private func linger() {
        guard case .ending = self.state else { return }
        self.answerBytes = 0
        _ = self.count()
        guard !self.hasClientEnded else { return }
        self.state = .lingering
        self.deadline = .now() + .seconds(2)
    }

    func timeOut() {
        switch self.state {
        case .body(let incoming):
            self.finish(incoming.intake.completed(.error(.requestTimeout, "The request body came too slowly")))
        case .ending: self.close()
        case .lingering:
            // RFC 9113 §8.1
            self.context?.writeAndFlush(Self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
        case .head, .deciding, .answering, .streaming, .ended: break
        }
    }

    /// The connection ends once its streams have.
    func drain() {}

    func close() {
        self.context?.close(promise: nil)
    }
}
