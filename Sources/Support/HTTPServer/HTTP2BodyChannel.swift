import NIOCore
import Synchronization

/// The channel for the handler of a streaming route over HTTP/2: accepts body bytes and sends DATA frames.
///
/// Thread-safe. It is on top of NIO's channel for the stream, which accepts frames only, resets the stream when it is
/// closed, and traps when an option is requested. This one counts its waiting bytes for both the stream and the
/// connection; closing it ends the stream.
final class HTTP2BodyChannel: Channel {
    let allocator: ByteBufferAllocator
    let eventLoop: any EventLoop
    let stream: any Channel
    private let closePromise: EventLoopPromise<Void>
    private let own = Mutex<ChannelPipeline?>(nil)
    private let writable: Atomic<Bool>
    private let active = Atomic<Bool>(true)
    let state: NIOLoopBoundBox<State>

    /// On the stream's event loop.
    init(stream: any Channel, exchange: HTTP2Exchange) {
        self.allocator = stream.allocator
        self.eventLoop = stream.eventLoop
        self.stream = stream
        self.closePromise = stream.eventLoop.makePromise()
        self.writable = Atomic(stream.isWritable)
        self.state = NIOLoopBoundBox(State(exchange: exchange), eventLoop: stream.eventLoop)
        self.own.withLock { $0 = ChannelPipeline(channel: self) }
    }

    var closeFuture: EventLoopFuture<Void> { self.closePromise.futureResult }
    var localAddress: SocketAddress? { self.stream.localAddress }
    var remoteAddress: SocketAddress? { self.stream.remoteAddress }
    var parent: (any Channel)? { self.stream }
    var isWritable: Bool { self.writable.load(ordering: .relaxed) }
    var isActive: Bool { self.active.load(ordering: .relaxed) }
    var _channelCore: any ChannelCore { self }

    var pipeline: ChannelPipeline {
        guard let pipeline = self.own.withLock({ $0 }) else { preconditionFailure("the channel has its pipeline from the start") }
        return pipeline
    }

    // MARK: - The stream below

    /// Writes the first bytes and adds the handler.
    func begin(_ opening: HTTPStreamOpening) {
        if opening.head.body.readableBytes > 0 { self.write(opening.head.body, promise: nil) }
        do {
            let handler = opening.handler(self)
            if let memory = self.state.value.exchange?.loop.memory {
                // A connection without TLS would share the bytes; few such connections use HTTP/2.
                (handler as? any HTTPStreamHolder)?.takeMemory(memory, isEncrypted: true)
            }
            try self.pipeline.syncOperations.addHandler(handler)
        } catch {
            // The stream has ended in the meantime.
            self.close(promise: nil)
        }
    }

    func streamWritabilityChanged() {
        self.updateWritability()
    }

    /// Called when the client has reset the stream, or the connection is lost.
    func streamEnded() {
        self.end()
    }

    func end() {
        guard self.state.value.exchange != nil else { return }
        self.state.value.exchange = nil
        self.active.store(false, ordering: .relaxed)
        self.pipeline.fireChannelInactive()
        // The caller may be a handler that is still in the pipeline.
        self.eventLoop.execute {
            self.removeHandlers(pipeline: self.pipeline)
            self.closePromise.succeed()
        }
    }

    func updateWritability() {
        let isFull = self.state.value.updateFullness()
        let isWritable = !isFull && self.stream.isWritable
        guard self.writable.exchange(isWritable, ordering: .relaxed) != isWritable, self.state.value.exchange != nil else {
            return
        }
        self.pipeline.fireChannelWritabilityChanged()
    }

    struct State {
        /// `nil` once the channel is closed.
        var exchange: HTTP2Exchange?
        var waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
        /// Bytes that are written but not sent.
        var waiting = 0
        private var isFull = false

        init(exchange: HTTP2Exchange) {
            self.exchange = exchange
        }

        mutating func updateFullness() -> Bool {
            if self.waiting > self.waterMark.high {
                self.isFull = true
            } else if self.waiting < self.waterMark.low {
                self.isFull = false
            }
            return self.isFull
        }
    }
}
