import NIOCore

/// Passes the bytes of a connection to its parser in small pieces, in turns with other connections, and only while the
/// connection processes requests.
///
/// On its event loop; before NIO's request decoder, which parses all its input at once. A client that does not read the
/// answers thus costs the bytes of one read, not thousands of parsed requests. One that sends many requests at once
/// delays only itself.
final class HTTPInputGate: ChannelInboundHandler, RemovableChannelHandler, HTTPScheduledInput {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The limit of waiting bytes: after a half-close the kernel's remaining data arrives unrequested.
    private static let limit = 512 << 10

    /// Set until the connection leaves the pipeline.
    weak var connection: HTTPConnection?
    private var context: ChannelHandlerContext?
    private var waiting = ByteBuffer()
    private var hasInputClosed = false
    private let turns: HTTPScheduler
    var turn = HTTPTurn()

    init(turns: HTTPScheduler) {
        self.turns = turns
    }

    /// Whether nothing waits.
    var isEmpty: Bool { self.waiting.readableBytes == 0 }

    /// Bytes of memory that the waiting input uses.
    var waitingBytes: Int { self.isEmpty ? 0 : self.waiting.storageCapacity }

    var hasPiece: Bool { !self.isEmpty && self.connection?.takesInput ?? false }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.drop()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection else { return }
        let bytes = Self.unwrapInboundIn(data)
        if self.isEmpty { self.waiting = bytes } else { self.waiting.writeImmutableBuffer(bytes) }
        // Without a piece no turn ends that would count it.
        guard self.waiting.readableBytes <= Self.limit, self.hasPiece || connection.holdMemory() else {
            connection.shed()
            return
        }
        self.turns.begin(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        self.connection?.clientFinished()
        if self.isEmpty { context.fireUserInboundEventTriggered(event) } else { self.hasInputClosed = true }
    }

    /// Resumes passing waiting bytes: the connection processes requests again.
    func resume() {
        self.turns.resume(self)
    }

    func handlePiece() {
        guard let context, let connection,
            let piece = self.waiting.readSlice(length: min(self.waiting.readableBytes, connection.inputPiece))
        else { return }
        if self.isEmpty { self.waiting = ByteBuffer() }
        connection.willParse(piece.readableBytes)
        context.fireChannelRead(Self.wrapInboundOut(piece))
        connection.parsed(piece)
    }

    func turnEnded() {
        guard let context else { return }
        context.fireChannelReadComplete()
        if self.hasInputClosed, self.isEmpty {
            self.hasInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        self.connection?.readOn()
    }

    /// Drops the waiting bytes.
    func drop() {
        self.waiting = ByteBuffer()
        self.hasInputClosed = false
    }
}
