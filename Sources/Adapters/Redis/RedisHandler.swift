import BridgeCore
import NIOCore

/// Receives a connection's answers.
///
/// Lives on the connection's event loop.
protocol RedisReceiver: AnyObject {
    /// Each answer, in order; the view is valid within the call.
    func received(_ reply: RedisReplyView)
    /// Called when all answers of one read have been delivered.
    func readComplete()
}

/// The handler of a Redis channel: decodes answers, and sends a PING after a period of silence.
///
/// Lives on its event loop.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The time limits for silence.
    struct Patience: Sendable {
        /// Silence after which a PING is sent.
        var idle = TimeAmount.seconds(15)
        /// The silence after which the server counts as lost.
        var dead = TimeAmount.seconds(25)
        /// The interval of that check.
        var interval = TimeAmount.seconds(5)
    }

    private let hasEnded: @Sendable (ComponentError) -> Void
    private let address: RedisSettings.Address
    private let peer: String
    private let patience: Patience
    /// The longest time for a TLS handshake and the first answer after it.
    private let handshakeLimit: TimeAmount
    /// Whether the server has sent anything.
    private var hasAnswered = false
    /// Ends a connection whose handshake exceeds its limit.
    private var handshake: Scheduled<Void>?
    private let reader = RedisReplyReader()
    /// Commands without an answer, in order, until ``subscriber`` takes over.
    private var waiting: CircularBuffer<Waiting> = []
    private var collected: [RedisReply] = []
    /// Receives every answer from the moment it is set.
    private var subscriber: (any RedisReceiver)?
    private var lastRead = NIODeadline.now()
    private var watch: RepeatedTask?
    private var ending: RedisDisconnection?
    /// The start and the end of the latest period of pauses.
    private var pauses: (from: NIODeadline, to: NIODeadline)?
    /// See ``ended(on:)``.
    private var closed: EventLoopPromise<RedisDisconnection>?
    /// The context to write to; `nil` once the channel is closed.
    private var context: ChannelHandlerContext?
    /// Whether the reader is paused, so that no bytes are expected.
    var isPaused = false {
        didSet {
            let now = NIODeadline.now()
            if self.isPaused {
                // Pauses in quick succession are one: the server's buffer does not empty in between.
                let from = self.pauses.flatMap { now - $0.to < self.patience.dead ? $0.from : nil } ?? self.lastRead
                self.pauses = (from, now)
            } else {
                self.pauses?.to = now
            }
            self.lastRead = now
        }
    }

    /// - Parameter ended: is called with the reason for the end of the connection, for callers without access to this
    ///   handler.
    init(
        _ address: RedisSettings.Address, patience: Patience, handshakeLimit: TimeAmount,
        ended: @escaping @Sendable (ComponentError) -> Void
    ) {
        self.hasEnded = ended
        self.address = address
        self.peer = address.description
        self.patience = patience
        self.handshakeLimit = handshakeLimit
    }

    /// Returns the reason for the end of the connection; call it once.
    func ended(on eventLoop: any EventLoop) -> EventLoopFuture<RedisDisconnection> {
        if let ending { return eventLoop.makeSucceededFuture(ending) }
        let promise = eventLoop.makePromise(of: RedisDisconnection.self)
        self.closed = promise
        return promise.futureResult
    }

    /// Sends commands and gets their answers; the promise never fails.
    func send(_ commands: ByteBuffer, replies: Int, promise: EventLoopPromise<RedisAnswers>) {
        guard self.ending == nil, let context, context.channel.isActive else {
            promise.succeed(RedisAnswers(failure: self.ending?.error ?? self.lost))
            return
        }
        self.waiting.append(Waiting(replies: replies, promise: promise))
        context.writeAndFlush(self.wrapOutboundOut(commands), promise: nil)
    }

    /// Ends the connection with an error.
    func fail(_ error: ComponentError) {
        if let context { self.fail(error, context) }
    }

    func subscribe(_ subscriber: any RedisReceiver) {
        self.subscriber = subscriber
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.watch = context.eventLoop.scheduleRepeatedTask(initialDelay: self.patience.interval, delay: self.patience.interval) {
            _ in
            let (handler, context) = loopBound.value
            handler.checkSilence(context)
        }
    }

    /// A server without TLS treats the handshake as the start of a command and does not answer.
    func channelActive(context: ChannelHandlerContext) {
        if self.address.isTLS {
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            self.handshake = context.eventLoop.scheduleTask(in: self.handshakeLimit) {
                let (handler, context) = loopBound.value
                let reason = "the server did not answer within connect_timeout; if the port does not speak TLS, write redis://"
                handler.fail(ComponentError(.connectionRefused, "TLS with \(handler.peer) failed: \(reason)"), context)
            }
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.lastRead = .now()
        let isFirst = !self.hasAnswered
        if isFirst {
            self.hasAnswered = true
            self.handshake?.cancel()
        }
        let bytes = self.unwrapInboundIn(data)
        do throws(RedisProtocolError) {
            try self.reader.feed(bytes) { self.dispatch($0) }
            if self.waiting.isEmpty { self.reader.beginPipeline() }
        } catch {
            let what = error.isTooLarge ? "exceeds the limits" : "does not speak Redis"
            let mistake = isFirst ? RedisWrongService.reason(bytes) : nil
            self.fail(ComponentError(.protocolViolation, "\(self.peer) \(what): \(mistake ?? error.message)"), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.subscriber?.readComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end(self.lost)
    }

    /// Also called for a channel that was never connected, which does not become inactive.
    func handlerRemoved(context: ChannelHandlerContext) {
        self.end(self.lost)
        self.handshake?.cancel()
        self.watch?.cancel()
        self.watch = nil
        // It holds the connection and thereby this handler.
        self.subscriber = nil
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let reason = RedisTLSFailure.reason(error, context.pipeline) {
            self.fail(ComponentError(.connectionRefused, "TLS with \(self.peer) failed: \(reason)"), context)
        } else {
            let text = "the connection to \(self.peer) failed: \(RedisFailure.reason(error))"
            self.fail(ComponentError(.connectionLost, text + self.silenceHint), context)
        }
    }

    private var lost: ComponentError {
        ComponentError(.connectionLost, "\(self.peer) closed the connection\(self.silenceHint)")
    }

    /// A hint about a server that closes the connection without any answer; empty for one that has answered.
    private var silenceHint: String {
        guard !self.hasAnswered, case .tcp(_, _, let isTLS) = self.address else { return "" }
        return isTLS
            ? " before it answered anything; the port may belong to another service"
            : " before it answered anything; if it requires TLS, write rediss://, else the port may belong to another service"
    }

    private func dispatch(_ reply: RedisReplyView) {
        if let subscriber {
            subscriber.received(reply)
            return
        }
        guard !self.waiting.isEmpty else { return }
        self.collected.append(reply.copy())
        guard self.collected.count == self.waiting[self.waiting.startIndex].replies else { return }
        let replies = self.collected
        self.collected = []
        self.reader.beginPipeline()
        self.waiting.removeFirst().promise?.succeed(RedisAnswers(replies))
    }

    private func checkSilence(_ context: ChannelHandlerContext) {
        guard !self.isPaused, self.ending == nil else { return }
        let silence = NIODeadline.now() - self.lastRead
        if silence > self.patience.dead {
            self.fail(ComponentError(.timedOut, "\(self.peer) has not answered a PING in time"), context)
        } else if silence > self.patience.idle {
            var ping = ByteBuffer()
            RedisCommand.write(["PING"], to: &ping)
            if self.subscriber == nil { self.waiting.append(Waiting(replies: 1, promise: nil)) }
            context.writeAndFlush(self.wrapOutboundOut(ping), promise: nil)
        }
    }

    private func fail(_ error: ComponentError, _ context: ChannelHandlerContext) {
        self.end(error)
        context.close(promise: nil)
    }

    /// Notifies every waiter, once.
    private func end(_ error: ComponentError) {
        guard self.ending == nil else { return }
        let recent = self.pauses.flatMap { self.isPaused || .now() - $0.to < self.patience.dead ? $0.from : nil }
        let ending = RedisDisconnection(
            error: error, heard: recent ?? self.lastRead, isOfSlowReader: recent != nil && error.code == .connectionLost
        )
        self.ending = ending
        self.hasEnded(error)
        // Answered commands were executed.
        for waiting in self.waiting {
            waiting.promise?.succeed(RedisAnswers(self.collected, failure: error))
            self.collected = []
        }
        self.waiting.removeAll()
        self.closed?.succeed(ending)
    }

    private struct Waiting {
        let replies: Int
        let promise: EventLoopPromise<RedisAnswers>?
    }
}
