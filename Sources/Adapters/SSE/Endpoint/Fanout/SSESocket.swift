import BridgeCore
import NIOCore

/// How the sockets of subscribers are set.
enum SSESocket {
    /// `TCP_USER_TIMEOUT`, tcp(7): absent from the C library's Swift module.
    private static let userTimeout = NIOBSDSocket.Option(rawValue: 18)
    /// `TCP_NOTSENT_LOWAT`, tcp(7).
    private static let notSentLowWater = NIOBSDSocket.Option(rawValue: 25)

    /// Bytes with which a channel is full.
    static let highWaterMark = 64 << 10

    /// A peer that acknowledges nothing for so long is dead; little waits unsent in the kernel, so that a slow reader is noticed; and the
    /// channel is full at 64 KiB.
    ///
    /// On the channel's event loop. Not every channel has every option, and none is needed for being right.
    static func prepare(_ channel: any Channel, dead: Duration) {
        guard let options = channel.syncOptions else { return }
        if channel.remoteAddress?.ipAddress != nil {
            let timeout = ChannelOptions.Types.SocketOption.Value(dead.milliseconds)
            try? options.setOption(.tcpOption(Self.userTimeout), value: timeout)
            try? options.setOption(.tcpOption(Self.notSentLowWater), value: 128 << 10)
        }
        try? options.setOption(
            .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 16 << 10, high: Self.highWaterMark))
    }
}
