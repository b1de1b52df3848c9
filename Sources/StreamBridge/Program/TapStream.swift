import BridgeCore
import HTTPServer
import JSON
import NIOCore

/// The connection of one watcher: writes what its tap sees as lines of JSON, and how much that was once a second.
///
/// On the event loop of its channel. While the socket is full, events wait in the tap, which keeps a bounded number.
final class TapStream: ChannelInboundHandler {
    typealias InboundIn = Never
    typealias OutboundOut = ByteBuffer

    static let contentType = "application/x-ndjson"
    /// How many events are written before other connections have their turn.
    private static let batch = 64

    private let tap: EventTap
    private let framing: HTTPFraming
    private let close: () -> Void
    private var context: ChannelHandlerContext?
    private var timer: RepeatedTask?
    /// What the last status said.
    private var reported = 0
    private var isScheduled = false
    /// The end of the body is written.
    private var isEnded = false

    /// - Parameter close: closes the tap; called once.
    init(_ tap: EventTap, framing: HTTPFraming, on loop: any EventLoop, close: @escaping () -> Void) {
        self.tap = tap
        self.framing = framing
        self.close = close
    }

    // MARK: Lines

    /// The line that says how much the tap has seen.
    static func status(of taken: EventTap.Taken) -> ByteBuffer {
        ByteBuffer(string: "{\"status\":{\"events\":\(taken.seen),\"dropped\":\(taken.dropped)}}\n")
    }

    /// Writes the line of one event.
    static func write(_ sighting: EventTap.Sighting, to buffer: inout ByteBuffer) {
        let event = sighting.event
        buffer.writeString("{\"time\":\"\(sighting.time)\"")
        func member(_ name: String, _ value: String) {
            buffer.writeString(",\"\(name)\":")
            JSONWriter.write(value, to: &buffer)
        }
        member("source", event.source)
        if let route = sighting.route { member("route", route) }
        member("subject", event.subject)
        buffer.writeString(",\"attributes\":\(JSONText.object(event.attributes)),\"event\":")
        buffer.writeImmutableBuffer(event.json)
        buffer.writeString("}\n")
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let stream = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        self.tap.onEvents { loop.execute { stream.value.writeWaiting() } }
        self.timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            stream.value.writeStatus()
        }
        context.flush()
        self.writeWaiting()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.tap.onEvents(nil)
        self.timer?.cancel()
        self.context = nil
        self.close()
    }

    private func writeWaiting() {
        self.isScheduled = false
        guard let context else { return }
        let isLast = self.tap.hasEnded
        guard context.channel.isWritable else {
            // A watcher that does not read delays nobody.
            if isLast { context.close(promise: nil) }
            return
        }
        let taken = self.tap.take(atMost: Self.batch)
        guard !taken.events.isEmpty else {
            if isLast { self.end(context) }
            return
        }
        var lines = ByteBuffer()
        for sighting in taken.events { Self.write(sighting, to: &lines) }
        self.send(lines, context)
        // There may be more; the tap calls only when none waits.
        self.schedule(context)
    }

    /// Ends the body, then the connection.
    private func end(_ context: ChannelHandlerContext) {
        guard !self.isEnded else { return }
        self.isEnded = true
        let channel = context.channel
        let end = ByteBuffer(staticString: self.framing.end)
        context.writeAndFlush(self.wrapOutboundOut(end)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        guard !self.isScheduled else { return }
        self.isScheduled = true
        let stream = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { stream.value.writeWaiting() }
    }

    private func writeStatus() {
        guard let context, context.channel.isWritable, !self.isEnded else { return }
        let taken = self.tap.take(atMost: 0)
        guard taken.seen != self.reported else { return }
        self.reported = taken.seen
        self.send(Self.status(of: taken), context)
    }

    private func send(_ lines: ByteBuffer, _ context: ChannelHandlerContext) {
        var framed = ByteBuffer()
        self.framing.write(lines, into: &framed)
        context.writeAndFlush(self.wrapOutboundOut(framed), promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.schedule(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
