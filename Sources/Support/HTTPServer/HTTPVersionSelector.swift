import NIOCore
import NIOHTTP1
import NIOTLS

/// The first handler of a connection: determines its HTTP version, adds the handlers of that version and removes
/// itself.
///
/// On its event loop. With TLS the version is negotiated (ALPN, RFC 7301). Without, an HTTP/2 client is recognised by
/// its first bytes (RFC 9113 §3.3); any other client gets the HTTP/1 parser, which reports errors.
final class HTTPVersionSelector: ChannelInboundHandler, RemovableChannelHandler, HTTPWatched {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The beginning of the connection preface (RFC 9113 §3.4), which is not a valid HTTP/1 request.
    private static let preface = Array("PRI * HTTP/2.0\r\n".utf8)

    /// How much an HTTP/1 client may leave unread before its next request waits.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 8 << 10, high: 16 << 10)

    private let loop: HTTPLoop
    private let usesTLS: Bool
    /// Set when the server has too many connections: the answer to everything except vital routes.
    private let refusal: HTTPResponse?
    private var context: ChannelHandlerContext?
    /// Bytes that arrived before the version was known.
    private var held = ByteBuffer()
    var index = 0
    let deadline: NIODeadline

    init(loop: HTTPLoop, usesTLS: Bool, refusal: HTTPResponse?) {
        self.loop = loop
        self.usesTLS = usesTLS
        self.refusal = refusal
        let timeout = loop.configuration.headTimeout
        self.deadline = .now() + TimeAmount(refusal == nil ? timeout : min(timeout, .seconds(2)))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.loop.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // Accepted just before the listener closed.
        if self.loop.isDraining { self.drain() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        if self.held.readableBytes == 0 {
            self.held = bytes
        } else {
            self.held.writeBuffer(&bytes)
        }
        guard !self.usesTLS else { return }
        let count = min(self.held.readableBytes, Self.preface.count)
        let begins = self.held.readableBytesView.prefix(count).elementsEqual(Self.preface.prefix(count))
        if !begins || count == Self.preface.count { self.select(context, isHTTP2: begins) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.handshakeCompleted(let version)) = event as? TLSUserEvent {
            self.select(context, isHTTP2: version == "h2")
        } else if case .some(.inputClosed) = event as? ChannelEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func timeOut() {
        // A refused client gets the answer even if it has sent no request.
        if self.refusal != nil, !self.usesTLS, let context { self.select(context, isHTTP2: false) } else { self.close() }
    }

    func drain() {
        self.context?.channel.resetOnClose()
        self.close()
    }

    func close() {
        self.context?.close(promise: nil)
    }

    private func select(_ context: ChannelHandlerContext, isHTTP2: Bool) {
        let pipeline = context.pipeline.syncOperations
        do {
            if isHTTP2 {
                try HTTP2Connection.add(to: context.channel, loop: self.loop, refusal: self.refusal, deadline: self.deadline)
            } else {
                var limits = NIOHTTPDecoderLimitConfiguration()
                limits.maxHeaderFieldSize = self.loop.configuration.headerBytes
                limits.maxHeaderListSize = self.loop.configuration.headerBytes
                limits.maxHeaderFieldCount = 128
                let decoder = ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits))
                let gate = HTTPInputGate(turns: self.loop.turns)
                try context.channel.syncOptions?.setOption(.writeBufferWaterMark, value: Self.waterMark)
                try pipeline.addHandler(gate)
                try pipeline.addHandler(decoder)
                try pipeline.addHandler(
                    HTTPConnection(
                        loop: self.loop, gate: gate, decoder: decoder, overload: self.refusal, deadline: self.deadline)
                )
            }
        } catch {
            // The channel is closed already.
            context.close(promise: nil)
            return
        }
        if self.held.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(self.held))
            self.held = ByteBuffer()
        }
        pipeline.removeHandler(context: context, promise: nil)
    }
}
