import NIOCore
import NIOPosix
import Synchronization

/// A peer that answers each connection's request with bytes of the test's own and hangs up.
final class RawAnswers: Sendable {
    let port: Int
    private let channel: any Channel
    private let count: Counter

    /// - Parameter answer: the bytes for a request's body.
    static func start(_ answer: @escaping @Sendable (String) -> String) async throws -> RawAnswers {
        let count = Counter()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(count: count, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawAnswers(channel, count)
    }

    private init(_ channel: any Channel, _ count: Counter) {
        self.channel = channel
        self.port = channel.localAddress?.port ?? 0
        self.count = count
    }

    var url: String { "http://127.0.0.1:\(self.port)/" }

    /// How many requests have come.
    var requests: Int { self.count.value.load(ordering: .relaxed) }

    func stop() async throws {
        try await self.channel.close()
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    /// On its event loop.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let count: Counter
        private let answer: @Sendable (String) -> String
        private var received = ""

        init(count: Counter, answer: @escaping @Sendable (String) -> String) {
            self.count = count
            self.answer = answer
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
            self.count.value.add(1, ordering: .relaxed)
            let answer = self.answer(String(body))
            self.received = ""
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: answer))).whenComplete { _ in
                loopBound.value.close(promise: nil)
            }
        }
    }
}
