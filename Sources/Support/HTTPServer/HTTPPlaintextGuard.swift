import Logging
import NIOCore
import NIOHTTP1

/// The first handler of a TLS connection: answers a client that sends plain HTTP, and removes itself for TLS.
///
/// On its event loop. A TLS record begins with its content type (RFC 8446 §5.1), a plain HTTP/1 or HTTP/2 request with a letter.
/// The deadline of ``HTTPVersionSelector`` closes a connection that stays open.
final class HTTPPlaintextGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: HTTPBurstLog
    private var isRefused = false

    init(log: HTTPBurstLog) {
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Drops what follows a refused request, so that no reset discards the answer.
        guard !self.isRefused else { return }
        let bytes = Self.unwrapInboundIn(data)
        guard let first = bytes.readableBytesView.first else { return }
        let letter = first | 32
        guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            return
        }
        self.isRefused = true
        let address = context.remoteAddress?.ipAddress ?? "unknown"
        self.log.warn("Plain HTTP received on the TLS port", ["address": "\(address)"])
        let response = HTTPResponse.error(.badRequest, "This port speaks TLS; use https://")
        var answer = context.channel.allocator.buffer(capacity: 256)
        response.write(
            into: &answer, date: HTTPDate.now(), length: response.body.readableBytes, framing: "Connection: close\r\n",
            withBody: true)
        context.writeAndFlush(Self.wrapOutboundOut(answer), promise: nil)
        context.close(mode: .output, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.isRefused, case .some(.inputClosed) = event as? ChannelEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
