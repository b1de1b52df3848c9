import BridgeCore
import Compression
import HTTPServer
import NIOCore

/// One subscriber's connection, and the only handler of its channel: performs the actions of its ``StateMachine``.
///
/// On its shard's event loop. A client that keeps up gets the shared batches. When its socket is full, the subscriber
/// stores only its position, and continues from the history once there is room.
final class SSESubscriber: HTTPDirectSender, HTTPStreamHolder {
    typealias InboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// The smallest buffer of TLS for encrypted data: a whole record (RFC 8446 §5.1).
    private static let encryptedBuffer = 16 << 10

    let group: SSEGroup
    var machine: StateMachine
    private let framing: HTTPFraming
    /// The socket, if bytes are sent to it unchanged; otherwise, and once the channel is inactive, -1.
    private var descriptor: CInt = -1
    /// The index in the group, which alone changes it.
    var index: UInt32 = 0
    /// Its slot, for the lifetime of the connection.
    let lease: SSESubscriberLease
    private var memory: HTTPMemory?
    /// Whether the connection holds an encrypted copy of its unsent data.
    private var isEncrypted = false
    var hold = HTTPReservation()
    private(set) var context: ChannelHandlerContext?
    /// Ends the connection when its grant expires.
    private var expiry: Scheduled<Void>?
    /// What it writes before events: the first text and a snapshot; `nil` once that is done.
    var beginning: Beginning?
    /// The checksum of the written bytes, for the end of a gzip stream.
    private var sum = GzipSum()

    init(group: SSEGroup, framing: HTTPFraming, lease: SSESubscriberLease, start: SSEResolution, opening: String) {
        self.group = group
        self.framing = framing
        self.lease = lease
        self.machine = StateMachine(start: start, now: group.now, until: group.view.timing.randomAge().map { group.now &+ $0 })
        self.beginning = Beginning(text: opening, snapshot: start.snapshot)
    }

    /// What a subscriber writes before events.
    ///
    /// A class, so that a connection that has everything holds no memory for it.
    final class Beginning {
        var text: String?
        var snapshot: SSESnapshotPosition?

        init(text: String, snapshot: SSESnapshotPosition?) {
            self.text = text
            self.snapshot = snapshot
        }
    }

    // MARK: - Events

    /// Writes a batch, if everything before it is written and the socket has room.
    ///
    /// - Parameter chunked: the batch's bytes in the framing that nearly all clients use.
    /// - Returns: how many events were written.
    func deliver(_ batch: SSERenderedBatch, _ chunked: ByteBuffer) -> Int {
        guard let context else { return 0 }
        let delivery = self.machine.deliver(
            after: batch.previous, through: batch.last, now: self.group.now, isWritable: context.channel.isWritable,
            buffered: SSESocket.buffered(context))
        switch delivery {
        case .skip: return 0
        case .startReading:
            self.startReading()
            return 0
        case .write:
            self.add(batch.bytes)
            self.write(self.framing == .chunked ? chunked : batch.bytes.framed(self.framing), isOwn: false, context)
            return batch.count
        }
    }

    /// Writes new events from the history, if the socket has room and this is not in progress already.
    func readHistory() {
        guard let context else { return }
        let isWritable = context.channel.isWritable
        if self.machine.historyGrew(now: self.group.now, isWritable: isWritable, buffered: SSESocket.buffered(context)) {
            self.startReading()
        }
    }

    // MARK: - Writing

    /// Writes bytes that were made for this subscriber alone; they count as memory until its socket has accepted them.
    func write(own bytes: SSEBytes, _ context: ChannelHandlerContext) {
        self.add(bytes)
        self.write(bytes.framed(self.framing), isOwn: true, context)
    }

    private func write(_ bytes: ByteBuffer, isOwn: Bool, _ context: ChannelHandlerContext) {
        guard self.descriptor >= 0, self.machine.mayBypassChannel else {
            self.enqueue(bytes, isOwn: isOwn, context)
            return
        }
        guard let rest = SSESocket.send(bytes, to: self.descriptor) else { return }
        self.enqueue(rest, isOwn: isOwn, context)
    }

    private func enqueue(_ bytes: ByteBuffer, isOwn: Bool, _ context: ChannelHandlerContext) {
        let own = isOwn ? bytes.storageCapacity : 0
        let copied = self.isEncrypted ? max(bytes.readableBytes, Self.encryptedBuffer) : 0
        self.machine.beganWrite(own: own, copied: copied)
        let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(bytes)).whenComplete { _ in
            subscriber.value.endedWrite(own: own, copied: copied)
        }
        if own + copied > 0 { self.countHeld() }
    }

    /// The socket has accepted bytes from the channel, or the write has failed.
    private func endedWrite(own: Int, copied: Int) {
        let mayRead = self.machine.endedWrite(
            own: own, copied: copied, isWritable: self.context?.channel.isWritable == true)
        if own + copied > 0 { self.countHeld() }
        if mayRead { self.startReading() }
    }

    private func countHeld() {
        guard let memory else { return }
        if !memory.hold(self.machine.budget(counted: self.hold.bytes), for: self) { self.shed() }
    }

    private func add(_ bytes: SSEBytes) {
        if self.group.view.selection.coding == .gzip { self.sum.add(bytes.sum) }
    }

    // MARK: - Time and ends

    /// Sends the comment when it is due, and disconnects a client that reads nothing or too little.
    func tick() {
        guard let context else { return }
        let (group, view) = (self.group, self.group.view)
        let action = self.machine.tick(
            view.timing, now: group.now, through: view.isSelective ? group.shard.through : nil,
            isWritable: context.channel.isWritable, buffered: SSESocket.buffered(context)
        ) { group.hub.lag(view, after: $0) }
        self.perform(action)
    }

    /// Whether its connection is ending.
    var isEnding: Bool { self.machine.isEnding }

    /// Ends the stream: a last control event, the end of the body, the end of the connection.
    func stop(_ reason: SSEMetrics.End = .stopped) {
        guard let context else { return }
        self.perform(self.machine.stop(reason, now: self.group.now, isWritable: context.channel.isWritable))
    }

    func shed() {
        self.perform(self.machine.disconnect(.memory))
    }

    func perform(_ action: StateMachine.Action) {
        guard let context else { return }
        switch action {
        case .nothing: break
        case .writeComment: self.write(shared: self.group.comment, context)
        case .writeCursor(let sequence): self.write(shared: self.group.cursor(at: sequence), context)
        case .writeFarewell(let sequence): self.writeFarewell(sequence, context)
        case .close: context.close(promise: nil)
        }
    }

    private func write(shared bytes: SSEBytes, _ context: ChannelHandlerContext) {
        self.add(bytes)
        self.write(bytes.framed(self.framing), isOwn: false, context)
    }

    private func writeFarewell(_ sequence: UInt64, _ context: ChannelHandlerContext) {
        let cursor = SSECursor(epoch: self.group.view.epoch, sequence: sequence, in: self.beginning?.snapshot)
        let farewell = self.group.farewell(at: cursor)
        self.add(farewell)
        var buffer = farewell.framed(self.framing)
        self.framing.write(self.group.view.selection.coding.end(self.sum), into: &buffer)
        buffer.writeStaticString(self.framing.end)
        let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(Self.wrapOutboundOut(buffer)).whenComplete { _ in
            subscriber.value.perform(subscriber.value.machine.farewellEnded())
        }
    }

    /// The state that operators see.
    var state: SSEConnectionState {
        let view = self.group.view
        let isFixed = view.streams.allSatisfy(\.isFixed)
        let position = self.machine.position
        return SSEConnectionState(
            number: self.lease.number, name: self.lease.name, address: self.lease.clientAddress,
            streams: isFixed ? view.streams.map(\.prefix) : view.selection.names.map(\.text), since: self.lease.since,
            format: view.selection.format, coding: view.selection.coding,
            cursor: SSECursor(epoch: view.epoch, sequence: position, in: self.beginning?.snapshot),
            behind: self.group.hub.lag(view, after: position),
            queued: self.context.map(SSESocket.buffered) ?? 0
        )
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.machine.opened(phase: self.group.add(self), now: self.group.now)
        self.writeOpening(context)
        guard !self.lease.isClosing else {
            self.stop()
            return
        }
        guard !self.group.hub.revocations.contains(self.lease.authority) else {
            self.stop(.revoked)
            return
        }
        self.endWhenItExpires(context)
        self.group.hub.announce("subscribe", self.group.view.streams) { self.state }
        self.startReading()
    }

    private func writeOpening(_ context: ChannelHandlerContext) {
        guard let beginning, let text = beginning.text else { return }
        beginning.text = nil
        if beginning.snapshot == nil { self.beginning = nil }
        let view = self.group.view
        let bytes = view.bytes(text, self.group.shard.compressor, prefix: view.selection.coding.start)
        self.add(bytes)
        // Through the channel, where the head of the answer waits for its flush.
        self.enqueue(bytes.framed(self.framing), isOwn: false, context)
    }

    private func endWhenItExpires(_ context: ChannelHandlerContext) {
        guard let expires = self.lease.expires else { return }
        let subscriber = NIOLoopBound(self, eventLoop: context.eventLoop)
        let delay = TimeAmount.milliseconds(expires - Timestamp.now().milliseconds)
        self.expiry = context.eventLoop.scheduleTask(in: delay) { subscriber.value.stop(.expired) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.group.hub.announce("unsubscribe", self.group.view.streams) { self.state }
        self.context = nil
        self.descriptor = -1
        self.memory?.release(self)
        self.expiry?.cancel()
        self.expiry = nil
        self.group.remove(self, self.machine.removed())
    }

    func takeMemory(_ memory: HTTPMemory, isEncrypted: Bool) {
        self.memory = memory
        self.isEncrypted = isEncrypted
    }

    func takeDescriptor(_ descriptor: CInt) {
        self.descriptor = descriptor
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.descriptor = -1
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        if self.machine.becameWritable(now: self.group.now, buffered: SSESocket.buffered(context)) { self.startReading() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.perform(self.machine.disconnect(.client)) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.perform(self.machine.disconnect(.failed))
    }
}
