import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// How an answer is written, and how the stream ends.
extension HTTP2Exchange {
    /// The size of the pieces in which an answer is written; each one sent shows that the client reads.
    private static let piece = 64 << 10

    func respond(_ response: HTTPResponse, to number: UInt64) {
        if self.machine.isAnswering { self.finish(response) }
    }

    /// - Parameter hasLength: false for the answer to HEAD of a stream, which has no length (RFC 9110 §9.3.2).
    func finish(_ response: HTTPResponse, hasLength: Bool = true) {
        guard let context else { return }
        var response = response
        if !self.machine.answerFields.isEmpty { response.headers += self.machine.answerFields }
        self.machine.answers(with: self.bodyBytes(of: response), now: .now())
        if !self.holdMemory() {
            self.machine.hasNoRoomForAnswer()
            response = response.withoutMemory
        }
        let length = response.isBodyless || !hasLength ? nil : response.body.readableBytes
        let head = response.fields(date: self.loop.date, length: length)
        let promise = context.eventLoop.makePromise(of: Void.self)
        self.whenSent(promise.futureResult, context)
        guard self.bodyBytes(of: response) > 0 else {
            context.writeAndFlush(Self.wrapOutboundOut(.headers(.init(headers: head, endStream: true))), promise: promise)
            return
        }
        context.write(Self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
        self.write(response.body, context, promise)
        context.flush()
    }

    /// Bytes of an answer's body that are sent.
    private func bodyBytes(of response: HTTPResponse) -> Int {
        response.isBodyless || self.machine.isHead ? 0 : response.body.readableBytes
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

    /// The client has read a piece of the answer.
    private func sent(_ bytes: Int) {
        self.machine.sent(bytes, now: .now())
        _ = self.holdMemory()
    }

    func open(_ answer: HTTPStreamAnswer) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response)
        case .later(let answer, let abandoned):
            self.machine.wait(abandoned: abandoned)
            let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { exchange.value.decided($0) }
        case .open(let opening) where self.machine.isHead:
            self.finish(opening.head, hasLength: false)
        case .open(let opening):
            let head = opening.head.fields(date: self.loop.date, length: nil)
            context.write(Self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
            let channel = HTTP2BodyChannel(stream: context.channel, exchange: self)
            self.loop.remove(self)
            self.machine.handedOver()
            self.body = channel
            channel.begin(opening)
        }
    }

    /// Continues with an answer that was not immediate.
    private func decided(_ result: Result<HTTPStreamAnswer, any Error>) {
        guard self.machine.isAnswering else {
            // The client has left in the meantime.
            if case .success(.later(_, .some(let abandoned))) = result { abandoned() }
            return
        }
        switch result {
        case .success(let answer): self.open(answer)
        case .failure: self.finish(.error(.internalServerError, "The request could not be processed"))
        }
    }

    /// Ends a streaming answer, once everything before has been sent.
    func endStream() {
        guard let context, self.machine.endStream(now: .now()) else { return }
        self.body = nil
        self.loop.add(self)
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
        self.machine.answered(now: .now())
        _ = self.holdMemory()
    }
}
