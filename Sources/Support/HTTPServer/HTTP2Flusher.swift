import NIOCore

/// Sends what many streams of one connection have written in one turn of the loop with one system call.
///
/// On its event loop; between the socket, or TLS, and the HTTP/2 handler.
final class HTTP2Flusher: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// The limit of delayed bytes, well below the size at which the channel is full.
    private static let limit = 16 << 10

    /// The stream limit announced to the client.
    private let streams: Int
    private var context: ChannelHandlerContext?
    private var waiting = 0
    private var isScheduled = false
    private var hasSentSettings = false

    init(streams: Int) {
        self.streams = streams
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var data = Self.unwrapOutboundIn(data)
        if !self.hasSentSettings, case .byteBuffer(var settings) = data {
            self.hasSentSettings = true
            settings.setStreamLimit(self.streams)
            data = .byteBuffer(settings)
        }
        self.waiting += data.readableBytes
        context.write(Self.wrapOutboundOut(data), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        guard self.waiting < Self.limit else {
            self.flushNow()
            return
        }
        guard !self.isScheduled else { return }
        self.isScheduled = true
        let flusher = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            flusher.value.isScheduled = false
            flusher.value.flushNow()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.flushNow()
        context.close(mode: mode, promise: promise)
    }

    private func flushNow() {
        self.waiting = 0
        self.context?.flush()
    }
}

extension ByteBuffer {
    /// Overwrites SETTINGS_MAX_CONCURRENT_STREAMS in the SETTINGS frame at the beginning of the buffer (RFC 9113 §6.5).
    ///
    /// NIO closes a connection that exceeds the value it knows of, so NIO's value is out of reach. The client gets this
    /// one, and ``HTTP2Connection`` refuses single streams by it.
    fileprivate mutating func setStreamLimit(_ streams: Int) {
        let header = 9
        let entry = 6
        guard let type: UInt8 = self.getInteger(at: self.readerIndex + 3), type == 4 else { return }
        var index = self.readerIndex + header
        while let name: UInt16 = self.getInteger(at: index), name != 3 { index += entry }
        if index + entry <= self.writerIndex { self.setInteger(UInt32(streams), at: index + 2) }
    }
}
