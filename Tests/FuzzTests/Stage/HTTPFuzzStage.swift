import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization

@testable import HTTPServer

/// One connection of the HTTP server without a socket, set up as the server sets it up, with routes of every kind.
///
/// Confined to its thread.
final class HTTPFuzzStage {
    /// What the routes saw and the observer was shown, in order.
    struct Record: Equatable {
        /// Requests that reached a handler: method, path, query and body.
        var calls: [String] = []
        /// The method of each request that was answered in order, and the status.
        var answers: [Answer] = []
        /// What contradicts the server's own promises.
        var complaints: [String] = []

        struct Answer: Equatable {
            let method: String
            let status: Int
        }
    }

    /// Bytes of body that a route takes.
    static let bodyLimit = 200
    private static let memoryLimit = 1 << 20

    private let loop = EmbeddedEventLoop()
    private let budget = HTTPBudget(limit: HTTPFuzzStage.memoryLimit)
    private let channel: EmbeddedChannel
    private let record: RecordBox

    /// Locked, because handlers are `Sendable`; all of it happens on one thread.
    private final class RecordBox: Sendable {
        let value = Mutex(Record())
    }

    init() throws {
        // Ahead of the clock, so that what the server puts off for a moment is due at once.
        self.loop.advanceTime(to: .now() + .hours(1))
        let record = RecordBox()
        let router = HTTPRouter { request, response in
            record.value.withLock { $0.answers.append(.init(method: request.method.rawValue, status: Int(response.status.code))) }
        }
        try Self.register(router, record, self.loop)
        let configuration = HTTPServerConfiguration(
            address: .tcp(host: "127.0.0.1", port: 0), headerBytes: 1024,
            policy: HTTPPolicy(hosts: .loopback(and: ["x"]), publishOrigins: ["http://page"])
        )
        let log = HTTPBurstLog(logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
        let loop = HTTPLoop(
            configuration: configuration, router: router, memory: HTTPMemory(budget: self.budget, log: log), eventLoop: self.loop)
        self.record = record
        self.channel = EmbeddedChannel(
            handler: HTTPVersionSelector(loop: loop, usesTLS: false, refusal: nil), loop: self.loop)
        self.channel.allowRemoteHalfClosure = true
        let id = ObjectIdentifier(self.channel)
        let bound = NIOLoopBound(loop, eventLoop: self.loop)
        self.channel.closeFuture.whenComplete { _ in bound.value.remove(stream: id) }
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Gives the connection some bytes in pieces, then the end of the client's direction, and closes it.
    ///
    /// - Returns: what was recorded, and every byte that was sent.
    /// - Throws: ``FuzzFailure`` when a resource is left.
    func run(_ bytes: [UInt8], pieces size: Int) throws -> (record: Record, output: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty, self.channel.isActive {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(piece.count)
            // A connection that refuses its input closes itself; the error has no further information.
            _ = try? self.channel.writeInbound(ByteBuffer(bytes: piece))
            self.loop.run()
        }
        if self.channel.isActive {
            self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            self.loop.run()
        }
        var output: [UInt8] = []
        while let written = try self.channel.readOutbound(as: IOData.self) {
            if case .byteBuffer(let buffer) = written { output += buffer.readableBytesView }
        }
        _ = try? self.channel.finish(acceptAlreadyClosed: true)
        self.loop.run()
        // No other object holds a byte, so all of them can be taken and not one more.
        let isFree = self.budget.take(Self.memoryLimit, besides: 0) && !self.budget.take(1, besides: 0)
        try FuzzFailure.unless(isFree, "a connection that is closed still counts as holding memory")
        let record = self.record.value.withLock { $0 }
        if let complaint = record.complaints.first { throw FuzzFailure(complaint) }
        return (record, output)
    }

    // MARK: - Routes

    private static func register(_ router: HTTPRouter, _ record: RecordBox, _ loop: EmbeddedEventLoop) throws {
        for (path, isLate) in [("/echo", false), ("/late", true), ("/s/{name...}", false)] {
            for method in [HTTPMethod.GET, .POST] {
                try router.register(method, path, bodyLimit: Self.bodyLimit, writes: method == .POST) { request, responder in
                    Self.check(request, record)
                    let response = HTTPResponse(.ok, body: request.body)
                    if isLate {
                        responder.eventLoop.execute { responder.respond(response) }
                    } else {
                        responder.respond(response)
                    }
                }
            }
        }
        try router.register(
            .POST, "/ask", bodyLimit: Self.bodyLimit,
            authorize: { request in
                loop.submit { request.query("no") == nil ? nil : .error(.forbidden, "Forbidden") }
            }
        ) { request, responder in
            Self.check(request, record)
            responder.respond(HTTPResponse(.noContent))
        }
        try router.registerStream(.GET, "/stream") { request, framing in
            Self.check(request, record)
            let head = HTTPResponse(.ok, body: ByteBuffer(string: "a"))
            return .open(HTTPStreamOpening(head: head) { _ in ShortStream(framing) })
        }
        try router.registerStream(.POST, "/poll", bodyLimit: Self.bodyLimit) { request, _ in
            Self.check(request, record)
            return .respond(HTTPResponse(.ok, body: request.body))
        }
    }

    /// What a handler may rely on.
    private static func check(_ request: HTTPRequest, _ record: RecordBox) {
        func complain(_ condition: Bool, _ text: String) {
            guard !condition else { return }
            record.value.withLock { $0.complaints.append("\(request.method) \(request.path): \(text)") }
        }
        let bytes = request.body.readableBytes
        complain(bytes <= Self.bodyLimit, "the body has \(bytes) bytes")
        if let length = request.header("Content-Length") {
            complain(Int(length) == bytes, "Content-Length is \(length), the body has \(bytes) bytes")
            complain(request.header("Transfer-Encoding") == nil, "two lengths")
        }
        complain(request.headers["Host"].count <= 1, "two hosts")
        complain(request.path.utf8.first == UInt8(ascii: "/"), "the path is not absolute")
        complain(!request.path.utf8.contains { $0 <= 32 || $0 == 127 }, "the path holds a control character")
        for (name, value) in request.headers {
            complain(!value.hasOuterSpace, "the value of \(name) begins or ends with space")
            complain(!value.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 }, "the value of \(name) holds a line end or NUL")
        }
        let call = "\(request.method) \(request.path)?\(request.rawQuery) \(Array(request.body.readableBytesView))"
        record.value.withLock { $0.calls.append(call) }
    }

    /// A stream that says one more thing and ends.
    private final class ShortStream: ChannelInboundHandler {
        typealias InboundIn = Any
        typealias OutboundOut = ByteBuffer

        private let framing: HTTPFraming

        init(_ framing: HTTPFraming) { self.framing = framing }

        func handlerAdded(context: ChannelHandlerContext) {
            var bytes = ByteBuffer()
            self.framing.write(ByteBuffer(string: "b"), into: &bytes)
            bytes.writeStaticString(self.framing.end)
            context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
            context.close(promise: nil)
        }

        // What still arrives is of any type, and ignored.
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    }
}
