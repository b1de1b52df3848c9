import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@Suite struct HTTPStreamTests {
    @Test func `a stream takes the connection over, in chunks for HTTP 1.1`() async throws {
        try await withServer { router, port, server in
            try router.registerStream(.GET, "/s") { _, framing in Self.opening(framing) }
            let client = try RawConnection(port: port)
            try await client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try await client.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.contains("Transfer-Encoding: chunked\r\n"))
            #expect(head.contains("Content-Type: text/event-stream\r\n"))
            #expect(try await client.receive(through: "3\r\nend\r\n") == "5\r\nfirst\r\n3\r\nend\r\n")
            try await client.send("whatever, and a great deal of it")
            client.finishSending()
            #expect(try await client.receiveToEnd() == "0\r\n\r\n")
        }
    }

    @Test func `a stream over HTTP 1.0 ends with its connection`() async throws {
        try await withServer { router, port, _ in
            try router.registerStream(.GET, "/s") { _, framing in Self.opening(framing) }
            let client = try RawConnection(port: port)
            try await client.send("GET /s HTTP/1.0\r\n\r\n")
            client.finishSending()
            let text = try await client.receiveToEnd()
            #expect(text.contains("Connection: close\r\n"))
            #expect(text.hasSuffix("\r\n\r\nfirstend"))
        }
    }

    @Test func `HEAD, a body and a refusal do not take the connection over`() async throws {
        try await withServer { router, port, _ in
            try router.registerStream(.GET, "/s") { request, framing in
                request.query("no") == "1" ? .respond(.error(.notAcceptable, "No")) : Self.opening(framing)
            }
            let client = try RawConnection(port: port)
            try await client.send("HEAD /s HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try await client.answer(isHead: true)
            #expect(head.headers["content-type"] == "text/event-stream")
            #expect(head.headers["content-length"] == nil, "GET has none either")
            try await client.send("GET /s?no=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().status == 406)
            try await client.send("GET /s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
            #expect(try await client.answer().body == #"{"error":"This request must not have a body"}"#)
        }
    }

    @Test func `a stream that stands at the deadline of the shutdown is closed`() async throws {
        try await withServer { router, port, server in
            try router.registerStream(.GET, "/s") { _, framing in Self.opening(framing) }
            let client = try RawConnection(port: port)
            try await client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.receive(through: "end\r\n")
            #expect(server.connections == 1)
            await server.shutdown(deadline: .now + .milliseconds(20))
            #expect(try await client.receiveToEnd() == "")
            #expect(server.connections == 0)
        }
    }

    @Test func `a stream may have a body, up to its limit, and any method`() async throws {
        try await withServer { router, port, _ in
            try router.registerStream(.RAW(value: "QUERY"), "/s", bodyLimit: 8) { request, framing in
                String(buffer: request.body) == "names" ? Self.opening(framing) : .respond(.error(.badRequest, "No names"))
            }
            let client = try RawConnection(port: port)
            try await client.send("QUERY /s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ntoo long!")
            #expect(try await client.answer().body == #"{"error":"Payload too large","limit":8}"#)
            try await client.send("QUERY /s HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().body == #"{"error":"No names"}"#)
            try await client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().headers["allow"] == "OPTIONS, QUERY")
            try await client.send("QUERY /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nnames\r\n0\r\n\r\n")
            _ = try await client.receive(through: "end\r\n")
        }
    }

    @Test func `an answer that takes its time holds back what follows on its connection, and a failure is reported`() async throws
    {
        try await withServer { router, port, _ in
            let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: HTTPStreamAnswer.self)
            try router.registerStream(.GET, "/s") { request, framing in
                request.query("fail") == "1"
                    ? .later(promise.futureResult.eventLoop.makeFailedFuture(ChannelError.eof)) : .later(promise.futureResult)
            }
            let client = try RawConnection(port: port)
            try await client.send("GET /s?fail=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            let failure = try await client.answer()
            #expect(failure.status == 500)
            #expect(failure.body == #"{"error":"The request could not be processed"}"#)
            try await client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n")
            promise.succeed(.respond(.error(.forbidden, "Not you")))
            #expect(try await client.answer().status == 403)
            #expect(try await client.answer().status == 404)
        }
    }

    private static func opening(_ framing: HTTPFraming) -> HTTPStreamAnswer {
        .open(
            HTTPStreamOpening(
                head: HTTPResponse(.ok, headers: [("Content-Type", "text/event-stream")], body: ByteBuffer(string: "first"))
            ) { _ in EndOnClose(framing: framing) }
        )
    }

    /// Writes `end` at once and ends the body once the client has ended its direction.
    private final class EndOnClose: ChannelInboundHandler {
        typealias InboundIn = Never
        typealias OutboundOut = ByteBuffer
        private let framing: HTTPFraming

        init(framing: HTTPFraming) {
            self.framing = framing
        }

        func handlerAdded(context: ChannelHandlerContext) {
            var buffer = ByteBuffer()
            self.framing.write(ByteBuffer(string: "end"), into: &buffer)
            context.writeAndFlush(Self.wrapOutboundOut(buffer), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .some(.inputClosed) = event as? ChannelEvent else { return }
            let channel = context.channel
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(staticString: self.framing.end))).whenComplete { _ in
                channel.close(promise: nil)
            }
        }
    }
}
