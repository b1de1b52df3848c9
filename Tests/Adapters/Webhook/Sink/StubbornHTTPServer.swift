import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on loopback that keeps to no rule: it answers each request with bytes of the test's own, for as long as it likes.
///
/// Thread-safe. Closed with the last reference.
final class StubbornHTTPServer: Sendable {
    /// What a request is answered with.
    struct Answer: Sendable {
        var text: String
        /// The connection is closed after it.
        var closes: Bool
        /// Sent again and again until the connection ends.
        var repeats: String?

        init(_ text: String, closes: Bool = false, repeats: String? = nil) {
            self.text = text
            self.closes = closes
            self.repeats = repeats
        }
    }

    private struct State {
        var bodies: [String] = []
        var connections = (all: 0, open: 0)
        var written = 0
    }

    private final class Recorded: Sendable {
        let value = Mutex(State())
    }

    private let listener: any Channel
    private let state: Recorded

    /// - Parameter rule: called on an event loop with the body of each request.
    static func start(_ rule: @escaping @Sendable (String) -> Answer) async throws -> StubbornHTTPServer {
        let state = Recorded()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    state.value.withLock { $0.connections = ($0.connections.all + 1, $0.connections.open + 1) }
                    channel.closeFuture.whenComplete { _ in state.value.withLock { $0.connections.open -= 1 } }
                    try channel.pipeline.syncOperations.addHandler(Handler(state: state, rule: rule))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubbornHTTPServer(listener, state)
    }

    private init(_ listener: any Channel, _ state: Recorded) {
        self.listener = listener
        self.state = state
    }

    deinit {
        self.listener.close(promise: nil)
    }

    var port: Int { self.listener.localAddress?.port ?? 0 }
    var url: String { "http://127.0.0.1:\(self.port)/" }
    /// The bodies of all requests, in order.
    var bodies: [String] { self.state.value.withLock { $0.bodies } }
    /// How many connections there were, and how many are open.
    var connections: (all: Int, open: Int) { self.state.value.withLock { $0.connections } }
    /// How many bytes of repetitions the kernel has taken.
    var written: Int { self.state.value.withLock { $0.written } }

    /// On its event loop.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: Recorded
        private let rule: @Sendable (String) -> Answer
        private var received = ""

        init(state: Recorded, rule: @escaping @Sendable (String) -> Answer) {
            self.state = state
            self.rule = rule
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.received += String(buffer: self.unwrapInboundIn(data))
            guard let head = self.received.firstRange(of: "\r\n\r\n") else { return }
            let body = self.received[head.upperBound...]
            let length =
                self.received[..<head.lowerBound].split(separator: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.drop { !$0.isNumber }) } ?? 0
            guard body.utf8.count >= length else { return }
            self.received = ""
            self.state.value.withLock { [body = String(body)] in $0.bodies.append(body) }
            let answer = self.rule(String(body))
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: answer.text))).whenComplete { _ in
                if answer.closes { loopBound.value.close(promise: nil) }
            }
            if let text = answer.repeats { Self.repeatForever(ByteBuffer(string: text), context.channel, self.state) }
        }

        private static func repeatForever(_ bytes: ByteBuffer, _ channel: any Channel, _ state: Recorded) {
            channel.writeAndFlush(bytes).whenSuccess {
                state.value.withLock { $0.written += bytes.readableBytes }
                self.repeatForever(bytes, channel, state)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
