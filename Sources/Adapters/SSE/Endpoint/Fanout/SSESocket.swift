import BridgeCore
import Glibc
import NIOCore

/// Configures and writes to the sockets of subscribers.
enum SSESocket {
    /// `TCP_USER_TIMEOUT`, tcp(7): absent from the C library's Swift module.
    private static let userTimeout = NIOBSDSocket.Option(rawValue: 18)
    /// `TCP_NOTSENT_LOWAT`, tcp(7).
    private static let notSentLowWater = NIOBSDSocket.Option(rawValue: 25)

    /// The size in bytes at which a channel is full.
    static let highWaterMark = 32 << 10

    /// Sets the options of a stream's socket and channel.
    ///
    /// A peer that acknowledges nothing for this long is dead. Little unsent data waits in the kernel, so that a slow
    /// reader is noticed. The channel is full at 32 KiB. On the channel's event loop. A channel may lack an option; no
    /// option is required for correctness.
    static func prepare(_ channel: any Channel, dead: Duration) {
        guard let options = channel.syncOptions else { return }
        if channel.remoteAddress?.ipAddress != nil {
            let timeout = ChannelOptions.Types.SocketOption.Value(dead.milliseconds)
            try? options.setOption(.tcpOption(Self.userTimeout), value: timeout)
            try? options.setOption(.tcpOption(Self.notSentLowWater), value: 128 << 10)
        }
        try? options.setOption(
            .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 8 << 10, high: Self.highWaterMark))
    }

    /// Sends as many bytes as the socket accepts, bypassing the channel.
    ///
    /// On the channel's event loop, and only while the channel is empty.
    ///
    /// - Parameter descriptor: that of an active channel.
    /// - Returns: the rest for the channel; `nil` when there is none.
    static func send(_ bytes: ByteBuffer, to descriptor: CInt) -> ByteBuffer? {
        let length = bytes.readableBytes
        let count = bytes.withUnsafeReadableBytes {
            Glibc.send(descriptor, $0.baseAddress, length, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        }
        if count == length { return nil }
        // A full socket accepts nothing; the channel detects and handles other errors.
        return count <= 0 ? bytes : bytes.getSlice(at: bytes.readerIndex + count, length: length - count)
    }

    /// Bytes in the channel; decreases when the socket accepts some.
    ///
    /// On the channel's event loop.
    static func buffered(_ context: ChannelHandlerContext) -> Int {
        // The buffer of a channel without the option does not change.
        ((try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? nil) ?? 0
    }
}
