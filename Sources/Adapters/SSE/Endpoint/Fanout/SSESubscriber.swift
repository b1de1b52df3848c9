import BridgeCore
import Compression
import HTTPServer
import NIOCore

/// One connection that listens: a cursor over the history of its view's streams and the only handler of its channel.
///
/// On its shard's event loop. While the client keeps up it is written the pieces that all share; when its socket is full it keeps
/// nothing but its place, and reads on from the history once there is room.
final class SSESubscriber: HTTPDirectSender {
    typealias InboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let group: SSEGroup
    private let framing: HTTPFraming
    private var outlet = SSEOutlet()
    /// What it holds as long as it is here.
    let place: SSEPlace
    private var context: ChannelHandlerContext?
    /// The place in the group, which alone changes it.
    var index = 0
    /// It has read events that are not for it since the last id that it was sent.
    private var isCursorDue = false
    /// How many ticks before a whole heartbeat has passed the comment is due.
    var phase: UInt32 = 0
    /// It has every event of its view up to this sequence.
    private var position: UInt64
    /// The latest sequence whose loss it knows of.
    private var told: UInt64
    /// How far behind it began, until it has caught up: asking for the past is not being slow.
    private var allowance: UInt64
    /// When something was last written, in ticks.
    private var writtenAt: UInt32
    /// When it has lasted long enough, in ticks; `nil` for never.
    private let until: UInt32?
    /// When the socket was last seen to take something, while it is full.
    private var blockedAt: UInt32?
    private var room = 0
    /// It reads on from the history, now or when it is its turn.
    private var isPumping = false
    /// What it is to be spared is being looked for.
    private var shortening: SSEShortening?
    private var end: SSEMetrics.End?
    /// Ends it when what allowed it is over.
    private var expiry: Scheduled<Void>?
    /// What is written first.
    private var opening: String?
    /// What has been written, for the end of a gzip stream.
    private var sum = GzipSum()

    init(group: SSEGroup, framing: HTTPFraming, place: SSEPlace, start: SSEResolution, opening: String) {
        self.group = group
        self.framing = framing
        self.place = place
        self.position = start.position
        self.told = start.told
        self.allowance = start.lag
        self.writtenAt = group.now
        self.opening = opening
        let age = group.view.pace.ageTicks
        self.until = age == 0 ? nil : group.now &+ UInt32.random(in: (age - age / 5)...(age + age / 5))
    }

    // MARK: - Writing

    /// Writes a piece, if everything before it is written and the socket has room.
    ///
    /// - Parameter chunked: the piece's bytes in the framing that nearly all use.
    /// - Returns: how many events were written.
    func deliver(_ piece: SSEPiece, _ chunked: ByteBuffer) -> Int {
        guard let context, self.end == nil, piece.last > self.position, self.blockedAt == nil, !self.isPumping else { return 0 }
        guard context.channel.isWritable else {
            self.block(context)
            return 0
        }
        guard piece.previous <= self.position else {
            self.pump()
            return 0
        }
        self.send(self.framing == .chunked ? chunked : piece.bytes.framed(self.framing), context)
        self.wrote(piece.bytes)
        self.position = piece.last
        return piece.count
    }

    /// Writes what is new from the history, if the socket has room and it does not do so already.
    func readOn() {
        guard let context, self.end == nil, self.blockedAt == nil, !self.isPumping else { return }
        guard context.channel.isWritable else {
            self.block(context)
            return
        }
        self.pump()
    }

    /// Writes the first bytes.
    private func open(_ context: ChannelHandlerContext) {
        guard let text = self.opening else { return }
        self.opening = nil
        let coding = self.group.view.selection.coding
        let bytes = self.group.view.bytes(text, self.group.shard.compressor, prefix: coding.start)
        // Through the channel, where the head of the answer waits for its flush.
        self.write(bytes.framed(self.framing), context)
        self.wrote(bytes)
    }

    /// Writes what is missing, now or when it is its turn.
    private func pump() {
        guard !self.isPumping, let context else { return }
        self.isPumping = true
        if self.blockedAt != nil, self.allowance == 0 {
            self.shortening = SSEShortening(self.group.view, in: self.group.hub, position: self.position, told: self.told)
        }
        // While it waits for its turn the reader is not what is slow.
        if context.channel.isWritable { self.blockedAt = nil }
        self.group.shard.turns.begin { deadline in
            let isDone = self.pump(until: deadline)
            if isDone { self.isPumping = false }
            return isDone
        }
    }

    /// Writes what is missing, as long as the socket has room and until the deadline has passed.
    ///
    /// - Returns: whether it is done for now.
    private func pump(until deadline: NIODeadline) -> Bool {
        guard let context, self.end == nil else { return true }
        guard self.shorten(context, until: deadline) else { return false }
        let view = self.group.view
        while context.channel.isWritable {
            guard self.end == nil else { return true }
            switch self.group.hub.read(view, after: self.position, told: self.told, atMost: 32 << 10) {
            case .current(let head):
                self.position = head
                self.blockedAt = nil
                self.allowance = 0
                return true
            case .lost(let forgotten):
                guard view.pace.slow.policy != .disconnect else {
                    self.disconnect(.slow)
                    return true
                }
                self.told = forgotten
                self.tell(of: forgotten, since: self.position, dropped: nil, context)
            case .batches(let batches, let through) where view.isDecidedLater:
                for batch in batches {
                    guard let events = view.events(of: batch, after: self.position, self.group.shard) else { return false }
                    let isWhole = self.position < batch.first
                    self.position = batch.last
                    self.blockedAt = nil
                    self.isCursorDue = events.isEmpty
                    guard !events.isEmpty else { continue }
                    self.write(self.group.bytes(events, of: batch, isWhole: isWhole), context)
                    batch.stream.metrics.delivered.increment(by: events.count)
                }
                self.position = through
                self.blockedAt = nil
            case .batches(let batches, let through):
                let events = batches.flatMap { view.events(of: $0, after: self.position, self.group.shard.reader) }
                self.position = through
                self.blockedAt = nil
                self.isCursorDue = events.isEmpty
                if !events.isEmpty {
                    self.write(view.bytes(events, self.group.shard.compressor), context)
                    batches[0].stream.metrics.delivered.increment(by: events.count)
                }
            }
            if NIODeadline.now() >= deadline { return false }
        }
        self.block(context)
        return true
    }

    /// Leaves out what a reader that could not keep up is not to be sent any more.
    ///
    /// - Returns: whether that is done.
    private func shorten(_ context: ChannelHandlerContext, until deadline: NIODeadline) -> Bool {
        guard self.shortening != nil else { return true }
        guard let result = self.shortening?.next(in: self.group.hub, self.group.shard, until: deadline) else {
            return false
        }
        self.shortening = nil
        switch result {
        case .gap(let through, let since, let dropped):
            self.position = through
            self.tell(of: through, since: since, dropped: dropped, context)
        case .events(let latest, let through, let replaced):
            let view = self.group.view
            self.position = through
            guard !latest.isEmpty else { return true }
            self.write(view.bytes(latest, self.group.shard.compressor), context)
            view.streams[0].metrics.delivered.increment(by: latest.count)
            view.streams[0].metrics.conflated.increment(by: replaced)
        }
        return true
    }

    private func tell(of forgotten: UInt64, since position: UInt64, dropped: Int?, _ context: ChannelHandlerContext) {
        let view = self.group.view
        let requested = "\(SSECursor(epoch: view.epoch, sequence: position))"
        var gap = self.group.hub.gap(view, requested, .slow)
        gap.dropped = dropped
        view.streams.forEach { $0.metrics.gaps.increment() }
        self.told = max(self.told, forgotten)
        self.write(view.bytes(view.selection.format.gap(gap), self.group.shard.compressor), context)
    }

    private func write(_ bytes: SSEBytes, _ context: ChannelHandlerContext) {
        self.send(bytes.framed(self.framing), context)
        self.wrote(bytes)
    }

    private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let rest = self.outlet.send(bytes) else { return }
        self.write(rest, context)
    }

    private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard self.outlet.counts else {
            context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
            return
        }
        self.outlet.begin()
        let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(bytes)).whenComplete { _ in subscriber.value.outlet.end() }
    }

    private func wrote(_ bytes: SSEBytes) {
        self.writtenAt = self.group.now
        if self.group.view.selection.coding == .gzip { self.sum.add(bytes.sum) }
    }

    private func block(_ context: ChannelHandlerContext) {
        guard self.blockedAt == nil else { return }
        self.blockedAt = self.group.now
        self.room = Self.room(context)
    }

    /// Sends the comment when it is due, and gives up on a client that takes nothing or too little.
    func tick() {
        guard let context, self.end == nil else { return }
        let now = self.group.now
        let pace = self.group.view.pace
        if let until, Int32(bitPattern: now &- until) >= 0 {
            self.stop(.aged)
            return
        }
        if let blockedAt {
            let room = Self.room(context)
            if room != self.room {
                self.room = room
                self.blockedAt = now
            } else if now &- blockedAt >= pace.stallTicks {
                self.disconnect(.stalled)
                return
            }
            if pace.slow.policy == .disconnect, self.lag > UInt64(pace.slow.bytes) + self.allowance { self.disconnect(.slow) }
        } else if now &- self.writtenAt >= pace.heartbeatTicks - self.phase {
            // What it still reads is not passed over.
            let bytes = self.isPumping ? self.group.comment : self.group.heartbeat(&self.position, isDue: self.isCursorDue)
            if !self.isPumping { self.isCursorDue = false }
            self.write(bytes, context)
        }
    }

    /// Bytes of its streams that it has not been written.
    var lag: UInt64 { self.group.hub.lag(self.group.view, after: self.position) }

    /// What is told of it to those who look after the server.
    var state: SSEConnectionState {
        let view = self.group.view
        let isFixed = view.streams.allSatisfy(\.isFixed)
        return SSEConnectionState(
            number: self.place.number, name: self.place.name, address: self.place.clientAddress,
            streams: isFixed ? view.streams.map(\.prefix) : view.selection.names.map(\.text), since: self.place.since,
            format: view.selection.format, coding: view.selection.coding,
            cursor: SSECursor(epoch: view.epoch, sequence: self.position), behind: self.lag,
            queued: self.context.map { SSESocket.highWaterMark - Self.room($0) } ?? 0
        )
    }

    // MARK: - Ends

    /// Whether its connection is on the way to its end.
    var isEnding: Bool { self.end != nil }

    /// Ends the stream: a last control event, the end of the body, the end of the connection.
    func stop(_ reason: SSEMetrics.End = .stopped) {
        guard let context, self.end == nil else { return }
        self.end = reason
        guard context.channel.isWritable, self.blockedAt == nil else {
            context.close(promise: nil)
            return
        }
        let farewell = self.group.farewell(at: self.position)
        self.wrote(farewell)
        var buffer = farewell.framed(self.framing)
        self.framing.write(self.group.view.selection.coding.end(self.sum), into: &buffer)
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
        self.group.add(self)
        self.open(context)
        guard !self.place.isClosing else {
            self.stop()
            return
        }
        self.endWhenItExpires(context)
        self.group.hub.tell("subscribe", self.group.view.streams) { self.state }
        self.pump()
    }

    private func endWhenItExpires(_ context: ChannelHandlerContext) {
        guard let expires = self.place.expires else { return }
        let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
        let delay = TimeAmount.milliseconds(expires - Timestamp.now().milliseconds)
        self.expiry = context.eventLoop.scheduleTask(in: delay) { subscriber.value.stop(.expired) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.group.hub.tell("unsubscribe", self.group.view.streams) { self.state }
        self.context = nil
        self.outlet.close()
        self.expiry?.cancel()
        self.expiry = nil
        self.group.remove(self, self.end ?? .client)
    }

    func takeDescriptor(_ descriptor: CInt) {
        self.outlet.open(descriptor)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.outlet.close()
        context.fireChannelInactive()
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
