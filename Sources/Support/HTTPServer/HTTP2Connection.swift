import NIOCore
import NIOHTTP2

/// One HTTP/2 connection: counts its streams and decides when it ends.
///
/// On its event loop. Placed after the HTTP/2 handler, it sees only what affects the whole connection; each stream has
/// a channel of its own with an ``HTTP2Exchange``.
final class HTTP2Connection: ChannelInboundHandler, HTTPWatched {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// How many streams may be refused within ``refusalTime``, per allowed stream, before the client is considered
    /// broken.
    private static let refusalsPerStream = 20
    private static let refusalTime = TimeAmount.seconds(30)
    private static let drained = HTTP2PingData(withInteger: 0x6472_6169_6E65_6421)

    let loop: HTTPLoop
    /// Set when the server has too many connections: the answer to everything except vital routes.
    let refusal: HTTPResponse?
    private var context: ChannelHandlerContext?
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var phase = Phase.open
    /// Bytes that requests and answers of this connection hold or have announced.
    private(set) var reserved = 0
    private var refusals = 0
    private var refusalsEnd = NIODeadline.now()
    /// Unsent bytes at the last check; `nil` while the client reads them.
    private var unsent: Int?
    private var stallDeadline = NIODeadline.distantFuture
    private var idleDeadline: NIODeadline
    var index = 0
    var deadline: NIODeadline { min(self.idleDeadline, self.stallDeadline) }

    /// - Parameter deadline: the end of the first request head.
    init(loop: HTTPLoop, refusal: HTTPResponse?, deadline: NIODeadline) {
        self.loop = loop
        self.refusal = refusal
        self.idleDeadline = deadline
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .ping(Self.drained, ack: true) = Self.unwrapInboundIn(data).payload, self.phase == .draining else { return }
        // Everything sent before the client received the GOAWAY has arrived (RFC 9113 §6.8).
        self.goAway(context, after: self.lastStream)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // After half-closing, a client can open no window.
        if case .some(.inputClosed) = event as? ChannelEvent { self.close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.unsent = nil
            self.stallDeadline = .distantFuture
        } else if self.unsent == nil {
            self.unsent = .max
            self.stallDeadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !error.concernsOneStream { self.close() }
    }

    // MARK: - Streams

    /// Records that a request has begun.
    func opened(_ stream: HTTP2StreamID) {
        self.streams += 1
        self.lastStream = max(self.lastStream, stream)
        if self.phase != .leaving { self.idleDeadline = .distantFuture }
    }

    /// Records that a stream has ended.
    func closed() {
        self.streams -= 1
        guard self.streams == 0 else { return }
        switch self.phase {
        case .open: self.idleDeadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        case .draining: self.leave()
        case .leaving: break
        }
    }

    /// Whether the limit of streams is exceeded.
    var isFull: Bool { self.streams > self.loop.configuration.streams }

    /// Counts the memory of one stream against the connection's limit; the first stream may exceed it.
    ///
    /// - Parameters:
    ///   - bytes: the new amount.
    ///   - before: the previous amount.
    /// - Returns: whether there was room; otherwise the count is unchanged.
    func reserve(_ bytes: Int, insteadOf before: Int) -> Bool {
        let others = self.reserved - before
        guard bytes <= before || others == 0 || others + bytes <= self.loop.configuration.connectionBytes else { return false }
        self.reserved = others + bytes
        return true
    }

    /// Records a refused stream.
    func refused() {
        if self.refusalsEnd < .now() {
            self.refusals = 0
            self.refusalsEnd = .now() + Self.refusalTime
        }
        self.refusals += 1
        if self.refusals > self.loop.configuration.streams * Self.refusalsPerStream { self.close() }
    }

    // MARK: - Ends

    func timeOut() {
        if self.stallDeadline < .now() {
            self.checkProgress()
        } else if self.phase == .leaving {
            self.close()
        } else {
            self.leave()
        }
    }

    /// Closes the connection when its client has read nothing since the last check.
    private func checkProgress() {
        let unsent = (try? self.context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard let before = self.unsent, unsent < before else {
            self.close()
            return
        }
        self.unsent = unsent
        self.stallDeadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
    }

    func drain() {
        guard self.phase == .open, let context else { return }
        guard self.streams > 0 else {
            self.leave()
            return
        }
        self.phase = .draining
        self.goAway(context, after: .maxID)
        context.writeAndFlush(
            Self.wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: .ping(Self.drained, ack: false))), promise: nil
        )
    }

    func close() {
        self.context?.close(promise: nil)
    }

    /// Sends GOAWAY, half-closes, and waits for the client to do the same: an immediate close could make the kernel
    /// discard unread data.
    private func leave() {
        guard let context else { return }
        self.phase = .leaving
        self.idleDeadline = .now() + .seconds(2)
        self.goAway(context, after: self.lastStream)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.close(mode: .output).whenFailure { _ in connection.value.close() }
    }

    private func goAway(_ context: ChannelHandlerContext, after stream: HTTP2StreamID) {
        let payload = HTTP2Frame.FramePayload.goAway(lastStreamID: stream, errorCode: .noError, opaqueData: nil)
        context.writeAndFlush(Self.wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
    }

    private enum Phase {
        case open
        /// GOAWAY is sent: the client opens no more streams.
        case draining
        /// The last frame is sent; the client has not closed yet.
        case leaving
    }
}
