import Glibc
import Logging
import NIOCore

/// Stops accepting briefly when the system has no descriptors or memory for another connection.
///
/// On the event loop of the listening socket. Without the pause, the waiting connection would wake the loop
/// continuously.
final class HTTPAcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)

    private let log: HTTPBurstLog

    init(log: HTTPBurstLog) {
        self.log = log
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = (error as? IOError)?.errnoCode ?? 0
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(reason) {
            self.log.warn("Failed to accept connections; retrying every 100 ms", ["error": "\(error)"])
            let channel = context.channel
            // This fails only for a closed channel.
            try? channel.syncOptions?.setOption(.autoRead, value: false)
            channel.eventLoop.scheduleTask(in: Self.pause) {
                if channel.isActive { try? channel.syncOptions?.setOption(.autoRead, value: true) }
            }
        }
        context.fireErrorCaught(error)
    }
}
