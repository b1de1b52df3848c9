import NIOCore
import NIOHTTP2

/// One connection that speaks HTTP/2: counts its streams and decides when it ends.
///
/// On its event loop. Sits behind the handler that speaks the protocol, and sees only what concerns the connection as a whole; each stream
/// is a channel of its own with an ``HTTP2Exchange``.
final class HTTP2Connection: ChannelInboundHandler, HTTPWatched {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// Streams that may be refused within ``refusalTime``, for one that may be open: then the client has not understood.
    private static let refusalsPerStream = 20
    private static let refusalTime = TimeAmount.seconds(30)
    private static let drained = HTTP2PingData(withInteger: 0x6472_6169_6E65_6421)

    let loop: HTTPLoop
    /// Set when the server has too many connections: then this is the only answer but for vital routes.
    let refusal: HTTPResponse?
    private var context: ChannelHandlerContext?
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var phase = Phase.open
    /// Bytes that requests and answers of this connection hold, or have announced.
    private(set) var reserved = 0
    private var refusals = 0
    private var refusalsEnd = NIODeadline.now()
    /// Bytes that the client had not taken when the socket was last looked at; `nil` while it takes them.
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
        // Everything that the client sent before it knew has arrived (RFC 9113 §6.8).
        self.goAway(context, after: self.lastStream)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Without its direction a client can open no window.
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

    /// A request has begun.
    func opened(_ stream: HTTP2StreamID) {
        self.streams += 1
        self.lastStream = max(self.lastStream, stream)
        if self.phase != .leaving { self.idleDeadline = .distantFuture }
    }

    /// A stream is gone.
    func closed() {
        self.streams -= 1
        guard self.streams == 0 else { return }
        switch self.phase {
        case .open: self.idleDeadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        case .draining: self.leave()
        case .leaving: break
        }
    }

    /// Whether there is one stream too many.
    var isFull: Bool { self.streams > self.loop.configuration.streams }

    /// Counts what one stream holds of the connection's share of memory; the first may exceed it.
    ///
    /// - Parameters:
    ///   - bytes: what it holds from now on.
    ///   - before: what it has held.
    /// - Returns: whether there was room; if not, the count stays as it was.
    func reserve(_ bytes: Int, insteadOf before: Int) -> Bool {
        let others = self.reserved - before
        guard bytes <= before || others == 0 || others + bytes <= self.loop.configuration.connectionBytes else { return false }
        self.reserved = others + bytes
        return true
    }

    /// A stream has been refused.
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

    /// Ends the connection when its client has read nothing since the last look.
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

    /// Says goodbye, ends the server's direction and waits for the client to end its own: closing at once could make the kernel discard what
    /// the client has not read.
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
        /// The client has been told to open no more streams.
        case draining
        /// The last word is said; the client has not closed yet.
        case leaving
    }
}
