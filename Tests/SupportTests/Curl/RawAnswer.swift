import NIOCore
import NIOPosix

/// A server on loopback that answers every request with the same bytes, once per connection.
///
/// Closed with the last reference.
final class RawAnswer: Sendable {
    let port: Int
    private let channel: any Channel

    /// - Parameter closes: whether the connection ends after the bytes.
    static func serve(_ bytes: ByteBuffer, closes: Bool = true) async throws -> RawAnswer {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(bytes: bytes, closes: closes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawAnswer(channel)
    }

    private init(_ channel: any Channel) {
        self.channel = channel
        self.port = channel.localAddress?.port ?? 0
    }

    deinit {
        self.channel.close(promise: nil)
    }

    var url: String { "http://127.0.0.1:\(self.port)/" }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let bytes: ByteBuffer
        private let closes: Bool
        private var hasAnswered = false

        init(bytes: ByteBuffer, closes: Bool) {
            self.bytes = bytes
            self.closes = closes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !self.hasAnswered else { return }
            self.hasAnswered = true
            context.writeAndFlush(NIOAny(self.bytes), promise: nil)
            if self.closes { context.close(promise: nil) }
        }
    }
}
