import NIOCore

/// Sends what many streams of one connection have written in one turn of the loop with one system call, not with one for each.
///
/// On its event loop; stands between the socket, or TLS, and the handler that speaks HTTP/2.
final class HTTP2Flusher: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Bytes that are not held back: well below what makes the channel full.
    private static let limit = 16 << 10

    private var context: ChannelHandlerContext?
    private var waiting = 0
    private var isScheduled = false

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.waiting += Self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        guard self.waiting < Self.limit else {
            self.flushNow()
            return
        }
        guard !self.isScheduled else { return }
        self.isScheduled = true
        let flusher = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            flusher.value.isScheduled = false
            flusher.value.flushNow()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.flushNow()
        context.close(mode: mode, promise: promise)
    }

    private func flushNow() {
        self.waiting = 0
        self.context?.flush()
    }
}
