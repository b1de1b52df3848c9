import NIOCore

/// Sends what many streams of one connection have written in one turn of the loop with one system call.
///
/// On its event loop; stands between the socket, or TLS, and the handler that speaks HTTP/2.
final class HTTP2Flusher: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Bytes that are not held back: well below what makes the channel full.
    private static let limit = 16 << 10

    /// What the client is told it may have open at once.
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
    /// Writes another SETTINGS_MAX_CONCURRENT_STREAMS into the SETTINGS frame that the buffer begins with (RFC 9113 §6.5).
    ///
    /// NIO ends the connection of a client that exceeds the value NIO knows of, so that one is out of reach; this one is what the client
    /// sees, and ``HTTP2Connection`` refuses single streams by it.
    fileprivate mutating func setStreamLimit(_ streams: Int) {
        let header = 9
        let entry = 6
        guard let type: UInt8 = self.getInteger(at: self.readerIndex + 3), type == 4 else { return }
        var index = self.readerIndex + header
        while let name: UInt16 = self.getInteger(at: index), name != 3 { index += entry }
        if index + entry <= self.writerIndex { self.setInteger(UInt32(streams), at: index + 2) }
    }
}
