import NIOCore
import NIOHTTP1
import NIOSSL

/// How answers are written, and how the connection ends.
extension HTTPConnection {
    /// Answers up to this size need no place in the budget before they are written.
    private static let smallAnswer = 16 << 10

    /// Answers the exchange that is under way, unless its connection has gone meanwhile.
    func respond(_ response: HTTPResponse, to number: UInt64) {
        guard case .answering(let exchange, _) = self.state, exchange.number == number else { return }
        self.finish(response, exchange)
        self.resume()
    }

    /// - Parameter hasLength: false for the answer to HEAD of a stream, which has no length (RFC 9110 §9.3.2).
    func finish(_ response: HTTPResponse, _ exchange: Exchange, hasLength: Bool = true) {
        guard let context else { return }
        var response = response
        if !exchange.answerFields.isEmpty { response.headers += exchange.answerFields }
        if response.body.readableBytes > Self.smallAnswer, !exchange.isHead {
            self.answerBytes = response.body.readableBytes
            if !self.count() {
                self.answerBytes = 0
                response = response.withoutMemory
            }
        }
        let isKeptAlive = exchange.isKeptAlive && !self.loop.isDraining
        let isBodyless = response.status == .noContent || response.status == .notModified
        var buffer = context.channel.allocator.buffer(capacity: 256 + response.body.readableBytes)
        response.write(
            into: &buffer, date: self.loop.date, length: isBodyless || !hasLength ? nil : response.body.readableBytes,
            framing: isKeptAlive ? (exchange.isHTTP10 ? "Connection: keep-alive\r\n" : "") : "Connection: close\r\n",
            withBody: !isBodyless && !exchange.isHead
        )
        context.write(Self.wrapOutboundOut(buffer), promise: nil)
        self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        self.unflushed += buffer.readableBytes
        if !self.isReading || !isKeptAlive || self.unflushed > Self.smallAnswer { self.flush(context) }
        self.answerBytes = max(self.answerBytes, buffer.readableBytes)
        if !self.drainIfUnread(context, isKeptAlive: isKeptAlive) { self.answered(context, isKeptAlive: isKeptAlive) }
    }

    /// Waits for the client where the socket does not take what has been written.
    ///
    /// - Returns: whether it waits.
    @discardableResult
    func drainIfUnread(_ context: ChannelHandlerContext, isKeptAlive: Bool) -> Bool {
        guard !context.channel.isWritable else { return false }
        self.state = .draining(isKeptAlive: isKeptAlive, unsent: .max)
        if !self.count() { self.shed() }
        return true
    }

    private func answered(_ context: ChannelHandlerContext, isKeptAlive: Bool) {
        self.answerBytes = 0
        if isKeptAlive {
            self.state = .idle
        } else {
            self.linger(context)
        }
    }

    /// The socket takes bytes again: of the answer nothing is left but what the channel can hold.
    func answerWasRead() {
        guard case .draining(let isKeptAlive, _) = self.state, let context else { return }
        self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        self.answered(context, isKeptAlive: isKeptAlive)
        _ = self.count()
        self.resume()
    }

    func open(_ answer: HTTPStreamAnswer, _ exchange: Exchange) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response, exchange)
        case .later(let answer, let abandoned):
            self.wait(for: exchange, abandoned: abandoned)
            let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { connection.value.decided($0, exchange.number) }
        case .open(let opening) where exchange.isHead:
            self.finish(opening.head, exchange, hasLength: false)
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
        guard case .answering(let exchange, _) = self.state, exchange.number == number, self.context != nil else {
            // The client has left meanwhile.
            if case .success(.later(_, .some(let abandoned))) = result { abandoned() }
            return
        }
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
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 32 << 10, high: 64 << 10))
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
        pipeline.removeHandler(self.gate, promise: nil)
        pipeline.removeHandler(self.decoder, promise: nil)
        pipeline.removeHandler(self, promise: nil)
    }

    // MARK: - Ends

    func timeOut() {
        switch self.state {
        case .idle where self.refusal != nil && self.exchangeCount == 0:
            self.refusal.map { self.refuse($0, Exchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false)) }
        case .idle, .lingering: self.close()
        case .discarding(let response, let exchange): self.refuse(response, exchange.closing)
        case .body(let incoming):
            let refusal = incoming.intake.completed(.error(.requestTimeout, "The request body came too slowly"))
            self.refuse(refusal, incoming.exchange.closing)
        case .draining(let isKeptAlive, let before):
            let unsent = (try? self.context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
            guard unsent < before else {
                self.close()
                return
            }
            self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
            self.state = .draining(isKeptAlive: isKeptAlive, unsent: unsent)
        case .deciding, .answering, .handedOver: break
        }
    }

    func drain() {
        if case .draining(_, let unsent) = self.state {
            self.state = .draining(isKeptAlive: false, unsent: unsent)
        }
        guard case .idle = self.state else { return }
        if self.exchangeCount == 0, let channel = self.context?.channel { channel.resetOnClose() }
        self.close()
    }

    func close() {
        switch self.state {
        case .body, .discarding, .deciding, .answering, .draining: self.context?.channel.resetOnClose()
        case .idle, .lingering, .handedOver: break
        }
        self.context?.close(promise: nil)
    }

    /// Ends the answer's direction and waits for the client to end its own: closing at once could make the kernel discard the answer
    /// that the client has not read (RFC 9112 §9.6).
    private func linger(_ context: ChannelHandlerContext) {
        self.state = .lingering
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.close(mode: .output).whenComplete { result in
            switch result {
            case .success: connection.value.deadline = .now() + .seconds(2)
            case .failure: connection.value.close()
            }
        }
    }

    func closeAfterWrites() {
        guard let context else { return }
        self.state = .lingering
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in connection.value.close() }
    }

    func flush(_ context: ChannelHandlerContext) {
        self.unflushed = 0
        context.flush()
    }
}
