import NIOCore

/// Passes the frames of a connection on one by one, in turns with other connections, and only while the client reads.
///
/// On its event loop; before the HTTP/2 handler, which processes all its input at once. A client that sends thousands
/// of short frames thus delays only itself, and one that does not read costs the bytes of one read.
final class HTTP2InputGate: ChannelDuplexHandler, HTTPScheduledInput {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// The limit of waiting bytes: after a half-close the kernel's remaining data arrives unrequested.
    private static let limit = 512 << 10

    private let turns: HTTPScheduler
    private var context: ChannelHandlerContext?
    private var frames = HTTP2FrameEnds()
    private var waiting = ByteBuffer()
    private var isReadPending = false
    private var hasInputClosed = false
    var turn = HTTPTurn()

    init(turns: HTTPScheduler) {
        self.turns = turns
    }

    var hasPiece: Bool {
        self.frames.hasNext(in: self.waiting) && self.context?.channel.isWritable ?? false
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.waiting = ByteBuffer()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        if self.waiting.readableBytes == 0 { self.waiting = bytes } else { self.waiting.writeImmutableBuffer(bytes) }
        guard self.waiting.readableBytes <= Self.limit else {
            context.close(promise: nil)
            return
        }
        self.turns.begin(self)
    }

    func read(context: ChannelHandlerContext) {
        self.isReadPending = true
        self.readOn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        self.turns.resume(self)
        self.readOn()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent, self.hasPiece {
            self.hasInputClosed = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.waiting = ByteBuffer()
        context.fireChannelInactive()
    }

    func handlePiece() {
        guard let context, let frame = self.frames.next(in: &self.waiting) else { return }
        if self.waiting.readableBytes == 0 { self.waiting = ByteBuffer() }
        context.fireChannelRead(Self.wrapInboundOut(frame))
    }

    func turnEnded() {
        guard let context else { return }
        context.fireChannelReadComplete()
        if self.hasInputClosed, !self.hasPiece {
            self.hasInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        self.readOn()
    }

    /// Reads from the socket once no input is left and the client reads the answers.
    private func readOn() {
        guard self.isReadPending, let context, context.channel.isWritable, !self.frames.hasNext(in: self.waiting) else { return }
        self.isReadPending = false
        context.read()
    }
}
