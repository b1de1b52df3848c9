import NIOCore
import NIOHTTP2

/// The operations that the pipeline calls.
extension HTTP2BodyChannel: ChannelCore {
    /// The largest frame, so that the count of waiting bytes changes in steps of at most this size (RFC 9113 §4.2).
    private static let pieceLimit = 16 << 10

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes: ByteBuffer = self.unwrapData(data)
        guard self.state.value.exchange != nil else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard bytes.readableBytes > 0 || self.state.value.waiting > 0 else {
            promise?.succeed()
            return
        }
        while bytes.readableBytes > Self.pieceLimit, let piece = bytes.readSlice(length: Self.pieceLimit) {
            self.send(piece, self.eventLoop.makePromise())
        }
        self.send(bytes, promise ?? self.eventLoop.makePromise())
        self.updateWritability()
    }

    private func send(_ piece: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        let count = piece.readableBytes
        self.state.value.waiting += count
        promise.futureResult.whenComplete { _ in
            self.state.value.waiting -= count
            self.updateWritability()
        }
        self.stream.write(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(piece))), promise: promise)
    }

    func flush0() {
        self.stream.flush()
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard let exchange = self.state.value.exchange else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        exchange.endStream()
        promise?.succeed()
        self.end()
    }

    func localAddress0() throws -> SocketAddress {
        guard let address = self.localAddress else { throw ChannelError.unknownLocalAddress }
        return address
    }

    func remoteAddress0() throws -> SocketAddress {
        guard let address = self.remoteAddress else { throw ChannelError.operationUnsupported }
        return address
    }

    func register0(promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func read0() {}
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}
}
