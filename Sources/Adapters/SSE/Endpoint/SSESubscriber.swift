import BridgeCore
import HTTPServer
import NIOCore

/// One connection that listens to a stream: a cursor over the stream's history and the only handler of its channel.
///
/// On its shard's event loop. While the client keeps up it is written the batches that all share; when its socket is full it keeps
/// nothing but its place, and reads on from the history once there is room.
final class SSESubscriber: ChannelInboundHandler {
    typealias InboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let shard: SSEShard
    private let framing: HTTPFraming
    private let place: SSEHub.Place
    private var context: ChannelHandlerContext?
    /// The place in the shard, which alone changes it.
    var index = 0
    /// How many ticks before a whole heartbeat has passed the comment is due.
    var phase: UInt32 = 0
    /// The sequence of the next event to write.
    private var next: UInt64
    /// Body bytes of the stream before that event.
    private var offset: UInt64
    /// How far behind it began, until it has caught up: asking for the past is not being slow.
    private var allowance: UInt64
    /// When something was last written, in ticks.
    private var writtenAt: UInt32
    /// When the socket was last seen to take something, while it is full.
    private var blockedAt: UInt32?
    private var room = 0
    private var isPumping = false
    private var end: SSEMetrics.End?

    init(shard: SSEShard, framing: HTTPFraming, place: SSEHub.Place, start: SSEResolution) {
        self.shard = shard
        self.framing = framing
        self.place = place
        self.next = start.next
        self.offset = start.offset
        self.allowance = start.lag
        self.writtenAt = shard.now
    }

    // MARK: - Writing

    /// Writes a batch, if everything before it is written and the socket has room.
    ///
    /// - Parameter chunked: the batch's bytes in the framing that nearly all use.
    /// - Returns: how many events were written.
    func deliver(_ batch: SSEBatch, _ chunked: ByteBuffer) -> Int {
        guard let context, self.end == nil, batch.first >= self.next else { return 0 }
        if batch.first == self.next, self.blockedAt == nil, !self.isPumping {
            guard context.channel.isWritable else {
                self.block(context)
                return 0
            }
            context.writeAndFlush(
                Self.wrapOutboundOut(self.framing == .chunked ? chunked : batch.framed(self.framing)), promise: nil
            )
            self.next = batch.end
            self.offset = batch.endOffset
            self.writtenAt = self.shard.now
            return batch.count
        }
        if batch.endOffset - self.offset > self.shard.slowBytes + self.allowance {
            self.disconnect(.slow)
        }
        return 0
    }

    /// Writes what is missing, as long as the socket has room.
    private func pump() {
        guard !self.isPumping, let context else { return }
        self.isPumping = true
        defer { self.isPumping = false }
        var turns = 0
        while context.channel.isWritable {
            guard self.end == nil else { return }
            guard turns < 16 else {
                // Others want the loop too.
                let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
                context.eventLoop.execute { subscriber.value.pump() }
                return
            }
            turns += 1
            switch self.shard.history.read(from: self.next, atMost: 32 << 10) {
            case .current:
                self.blockedAt = nil
                self.allowance = 0
                return
            case .lost:
                self.disconnect(.slow)
                return
            case .pieces(let pieces, let next, let offset):
                for (batch, from) in pieces {
                    context.write(Self.wrapOutboundOut(batch.framed(self.framing, from: from)), promise: nil)
                }
                self.shard.metrics.delivered.increment(by: Int(next - self.next))
                self.next = next
                self.offset = offset
                self.writtenAt = self.shard.now
                self.blockedAt = nil
                context.flush()
            }
        }
        self.block(context)
    }

    private func block(_ context: ChannelHandlerContext) {
        guard self.blockedAt == nil else { return }
        self.blockedAt = self.shard.now
        self.room = Self.room(context)
    }

    /// Sends the comment when it is due, and gives up on a client that takes nothing.
    func tick() {
        guard let context, self.end == nil else { return }
        let now = self.shard.now
        if let blockedAt {
            let room = Self.room(context)
            if room != self.room {
                self.room = room
                self.blockedAt = now
            } else if now &- blockedAt >= self.shard.stallTicks {
                self.disconnect(.stalled)
            }
        } else if now &- self.writtenAt >= self.shard.heartbeatTicks - self.phase {
            self.writtenAt = now
            context.writeAndFlush(Self.wrapOutboundOut(self.shard.comment(self.framing)), promise: nil)
        }
    }

    /// Ends the stream: a last field, the end of the body, the end of the connection.
    func stop(_ farewell: String) {
        guard let context, self.end == nil else { return }
        self.end = .stopped
        guard context.channel.isWritable, self.blockedAt == nil else {
            context.close(promise: nil)
            return
        }
        var buffer = ByteBuffer()
        self.framing.write(ByteBuffer(string: farewell), into: &buffer)
        buffer.writeStaticString(self.framing.end)
        let channel = context.channel
        context.writeAndFlush(Self.wrapOutboundOut(buffer)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func disconnect(_ end: SSEMetrics.End) {
        guard self.end == nil else { return }
        self.end = end
        self.context?.close(promise: nil)
    }

    /// How many bytes the channel would still take before it is full; changes when the socket takes some.
    private static func room(_ context: ChannelHandlerContext) -> Int {
        // A channel that cannot tell is one that does not change.
        ((try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? nil) ?? 0
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.shard.add(self)
        // The head of the answer waits for this.
        context.flush()
        self.pump()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.shard.remove(self, self.end ?? .client)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.pump() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.disconnect(.client) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.disconnect(.failed)
    }
}
