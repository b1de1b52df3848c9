import NIOCore
import NIOHTTP1
import NIOSSL

/// How answers are written, and how the connection ends.
extension HTTPConnection {
    /// Answers up to this size need no reservation before they are written.
    private static let smallAnswer = 16 << 10

    /// Answers a request, unless its connection has ended in the meantime.
    func respond(_ response: HTTPResponse, to number: UInt64) {
        guard let exchange = self.machine.answering(number) else { return }
        self.finish(response, exchange)
        self.resume()
    }

    /// - Parameter hasLength: false for the answer to HEAD of a stream, which has no length (RFC 9110 §9.3.2).
    func finish(_ response: HTTPResponse, _ exchange: HTTPExchange, hasLength: Bool = true) {
        guard let context else { return }
        var response = response
        if !exchange.answerFields.isEmpty { response.headers += exchange.answerFields }
        if response.body.readableBytes > Self.smallAnswer, !exchange.isHead {
            self.answerBytes = response.body.readableBytes
            if !self.holdMemory() {
                self.answerBytes = 0
                response = response.withoutMemory
            }
        }
        let isKeptAlive = exchange.isKeptAlive && !self.loop.isDraining
        let isBodyless = response.isBodyless
        var buffer = context.channel.allocator.buffer(capacity: 256 + response.body.readableBytes)
        response.write(
            into: &buffer, date: self.loop.date, length: isBodyless || !hasLength ? nil : response.body.readableBytes,
            framing: isKeptAlive ? (exchange.isHTTP10 ? "Connection: keep-alive\r\n" : "") : "Connection: close\r\n",
            withBody: !isBodyless && !exchange.isHead
        )
        context.write(Self.wrapOutboundOut(buffer), promise: nil)
        self.unflushed += buffer.readableBytes
        if !self.isReading || !isKeptAlive || self.unflushed > Self.smallAnswer { self.flush(context) }
        let action = self.machine.wrote(isKeptAlive: isKeptAlive, isWritable: context.channel.isWritable, now: .now())
        self.answerBytes = self.machine.isDraining ? max(self.answerBytes, buffer.readableBytes) : 0
        if self.machine.isDraining, !self.holdMemory() { self.shed() }
        self.perform(action)
    }

    func open(_ answer: HTTPStreamAnswer, _ exchange: HTTPExchange) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response, exchange)
        case .later(let answer, let abandoned):
            self.perform(self.machine.wait(for: exchange, abandoned: abandoned))
            let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { connection.value.decided($0, exchange.number) }
        case .open(let opening) where exchange.isHead:
            self.finish(opening.head, exchange, hasLength: false)
        case .open(let opening):
            self.machine.handedOver()
            self.dropInput()
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

    /// Continues with an answer that was not immediate.
    private func decided(_ result: Result<HTTPStreamAnswer, any Error>, _ number: UInt64) {
        guard let exchange = self.machine.answering(number), self.context != nil else {
            // The client has left in the meantime.
            if case .success(.later(_, .some(let abandoned))) = result { abandoned() }
            return
        }
        switch result {
        case .success(let answer): self.open(answer, exchange)
        case .failure: self.finish(.error(.internalServerError, "The request could not be processed"), exchange)
        }
        self.resume()
    }

    private func handOver(_ context: ChannelHandlerContext, to handler: any ChannelHandler) {
        let channel = context.channel
        let pipeline = context.pipeline.syncOperations
        do {
            try channel.syncOptions?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 256))
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 32 << 10, high: 64 << 10))
            let isEncrypted = (try? pipeline.context(handlerType: NIOSSLServerHandler.self)) != nil
            if !isEncrypted, let sender = handler as? any HTTPDirectSender {
                try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { sender.takeDescriptor($0) }
            }
            (handler as? any HTTPStreamHolder)?.takeMemory(self.loop.memory, isEncrypted: isEncrypted)
            try pipeline.addHandler(handler)
        } catch {
            // The channel is closed already.
            channel.close(promise: nil)
            return
        }
        self.loop.add(stream: channel)
        pipeline.removeHandler(self.gate, promise: nil)
        pipeline.removeHandler(self.decoder, promise: nil)
        pipeline.removeHandler(self, promise: nil)
    }

    // MARK: - Ends

    /// Half-closes, and waits for the client to do the same.
    func linger(_ context: ChannelHandlerContext) {
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.close(mode: .output).whenComplete { result in
            switch result {
            case .success: connection.value.machine.outputClosed(now: .now())
            case .failure: connection.value.close()
            }
        }
    }

    func closeAfterWrites(_ context: ChannelHandlerContext) {
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in connection.value.close() }
    }

    func flush(_ context: ChannelHandlerContext) {
        self.unflushed = 0
        context.flush()
    }
}
