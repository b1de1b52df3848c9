import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One stream of an ``HTTP2Connection``: one request, one answer.
///
/// On its event loop; the only handler of the stream's channel. An answer that is a stream itself gets a channel of its own, see
/// ``HTTP2BodyChannel``.
final class HTTP2Exchange: ChannelInboundHandler, HTTPWatched, HTTPAnswering {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: HTTP2Connection
    private var context: ChannelHandlerContext?
    private var state = State.head
    private var isHead = false
    private var hasClientEnded = false
    var index = 0
    private(set) var deadline = NIODeadline.distantFuture

    private var loop: HTTPLoop { self.connection.loop }

    init(connection: HTTP2Connection) {
        self.connection = connection
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
        // A stream that the client has opened has its number.
        self.connection.opened((try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? .rootStream)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if !self.state.isStreaming { self.loop.remove(self) }
        self.state = .ended
        self.connection.closed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (self.state, Self.unwrapInboundIn(data)) {
        case (.head, .headers(let head)):
            self.hasClientEnded = head.endStream
            self.begin(HTTPRequestHead(head.headers), context)
        case (.body(var incoming), .data(let part)):
            self.state = .ended
            self.hasClientEnded = part.endStream
            if case .byteBuffer(let bytes) = part.data, let refusal = incoming.intake.append(bytes) {
                self.finish(refusal)
                return
            }
            self.deadline = min(.now() + TimeAmount(self.loop.configuration.bodyTimeout), incoming.deadline)
            self.state = .body(incoming)
            if part.endStream { self.call(incoming.intake, context) }
        case (.body(let incoming), .headers):
            // Trailers end the body.
            self.hasClientEnded = true
            self.call(incoming.intake, context)
        case (_, .data(let part)) where part.endStream:
            self.hasClientEnded = true
        default:
            // Of a body nobody wants, or what NIO has dealt with.
            break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .streaming(let channel) = self.state { channel.streamEnded() }
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let channel) = self.state { channel.streamWritabilityChanged() }
    }

    /// A reset by the client comes as an error too; the end of the channel says it all.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.close()
    }

    // MARK: - The request

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.isHead = head.method == .HEAD
        if let refusal = self.connection.refusal {
            self.finish(refusal)
            self.connection.drain()
            return
        }
        let hasBody = !self.hasClientEnded && (head.contentLength ?? 0) > 0
        switch self.loop.router.decide(head, hasBody: hasBody, from: context.channel.remoteAddress) {
        case .distrust(let response), .refuse(let response):
            self.finish(response)
        case .take(let intake) where self.hasClientEnded:
            self.call(intake, context)
        case .take(let intake):
            if head.expectsContinue {
                context.writeAndFlush(Self.wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
            }
            let timeout = TimeAmount(self.loop.configuration.bodyTimeout)
            self.deadline = .now() + timeout
            self.state = .body(Incoming(intake: intake, deadline: .now() + timeout * 10))
        }
    }

    private func call(_ intake: HTTPIntake, _ context: ChannelHandlerContext) {
        self.deadline = .distantFuture
        self.state = .answering
        switch intake.handler {
        case .buffered(let handler):
            handler(intake.request, HTTPResponder(connection: self, exchange: 0, eventLoop: context.eventLoop))
        case .stream(let handler):
            self.open(handler(intake.request, .untilClose))
        }
    }

    // MARK: - The answer

    func respond(_ response: HTTPResponse, to number: UInt64) {
        if case .answering = self.state { self.finish(response) }
    }

    private func finish(_ response: HTTPResponse, hasLength: Bool = true) {
        guard let context else { return }
        let isBodyless = response.status == .noContent || response.status == .notModified
        let length = response.body.readableBytes
        let hasBody = !isBodyless && !self.isHead && length > 0
        let head = response.fields(date: self.loop.date, length: isBodyless || !hasLength ? nil : length)
        self.state = .ending
        self.deadline = .now() + TimeAmount(self.loop.configuration.idleTimeout)
        let promise = context.eventLoop.makePromise(of: Void.self)
        self.whenSent(promise.futureResult, context)
        context.write(
            Self.wrapOutboundOut(.headers(.init(headers: head, endStream: !hasBody))), promise: hasBody ? nil : promise
        )
        if hasBody {
            context.write(
                Self.wrapOutboundOut(.data(.init(data: .byteBuffer(response.body), endStream: true))), promise: promise
            )
        }
        context.flush()
    }

    private func open(_ answer: HTTPStreamAnswer) {
        guard let context else { return }
        switch answer {
        case .respond(let response):
            self.finish(response)
        case .later(let answer):
            let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
            answer.hop(to: context.eventLoop).whenComplete { exchange.value.decided($0) }
        case .open(let opening) where self.isHead:
            self.finish(opening.head, hasLength: false)
        case .open(let opening):
            let head = opening.head.fields(date: self.loop.date, length: nil)
            context.write(Self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
            let channel = HTTP2BodyChannel(stream: context.channel, exchange: self)
            self.loop.remove(self)
            self.state = .streaming(channel)
            channel.begin(opening)
        }
    }

    /// Goes on with an answer that took its time.
    private func decided(_ result: Result<HTTPStreamAnswer, any Error>) {
        guard case .answering = self.state else { return }
        switch result {
        case .success(let answer): self.open(answer)
        case .failure: self.finish(.error(.internalServerError, "The request could not be decided"))
        }
    }

    /// Ends an answer that is a stream, once everything before has been sent.
    func endStream() {
        guard let context, self.state.isStreaming else { return }
        self.loop.add(self)
        self.state = .ending
        // What the client does not take now it will not miss.
        self.deadline = .now() + .seconds(2)
        let promise = context.eventLoop.makePromise(of: Void.self)
        self.whenSent(promise.futureResult, context)
        context.writeAndFlush(
            Self.wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))), promise: promise
        )
    }

    // MARK: - Ends

    /// Gives a client that still sends when its answer is complete a moment to notice.
    private func whenSent(_ sent: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
        let exchange = NIOLoopBound(self, eventLoop: context.eventLoop)
        sent.whenComplete { result in
            switch result {
            case .success: exchange.value.linger()
            case .failure: exchange.value.close()
            }
        }
    }

    private func linger() {
        guard case .ending = self.state, !self.hasClientEnded else { return }
        self.state = .lingering
        self.deadline = .now() + .seconds(2)
    }

    func timeOut() {
        switch self.state {
        case .body: self.finish(.error(.requestTimeout, "The request body came too slowly"))
        case .ending: self.close()
        case .lingering:
            // RFC 9113 §8.1
            self.context?.writeAndFlush(Self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
        case .head, .answering, .streaming, .ended: break
        }
    }

    /// The connection ends once its streams have.
    func drain() {}

    func close() {
        self.context?.close(promise: nil)
    }

    // MARK: - Types

    private enum State {
        case head
        case body(Incoming)
        /// The whole request is with its handler.
        case answering
        /// The answer belongs to a handler of its own.
        case streaming(HTTP2BodyChannel)
        /// The answer is written, but not sent yet.
        case ending
        /// The answer is sent; the client still sends its request.
        case lingering
        case ended

        var isStreaming: Bool {
            if case .streaming = self { true } else { false }
        }
    }

    private struct Incoming {
        var intake: HTTPIntake
        /// When the whole body must be there.
        let deadline: NIODeadline
    }
}
