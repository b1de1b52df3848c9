import BridgeTesting
import Compression
import Curl
import NIOCore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct CurlStreamTests {
    private let curl = CurlMulti()

    /// A server that begins a stream and hands its reply to the test.
    private static func streaming(
        _ headers: [(String, String)] = []
    ) async throws -> (ScriptedHTTPServer, AsyncStream<ScriptedHTTPServer.Reply>) {
        let (replies, continuation) = AsyncStream.makeStream(of: ScriptedHTTPServer.Reply.self)
        let server = try await ScriptedHTTPServer { _, reply in
            reply.begin(200, headers)
            continuation.yield(reply)
        }
        return (server, replies)
    }

    @Test func `the head comes before any byte and each write is reported at once`() async throws {
        let (server, replies) = try await Self.streaming()
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url()))
        #expect(await transfer.head()?.status == 200)
        var iterator = replies.makeAsyncIterator()
        let reply = try #require(await iterator.next())
        for text in ["one", "two", "three"] {
            reply.write(text)
            #expect(await transfer.text() == text)
        }
        reply.end()
        #expect(await transfer.rest().error == nil)
        try await server.stop()
    }

    @Test func `gzip is offered and each flushed part is reported at once`() async throws {
        let (server, replies) = try await Self.streaming([("Content-Encoding", "gzip")])
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url(), acceptsCodings: true))
        #expect(await transfer.head()?.status == 200)
        var iterator = replies.makeAsyncIterator()
        let reply = try #require(await iterator.next())
        // A gzip head and "hello" in a stored block, as a full flush would leave it; no end of the stream.
        let head: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
        let block: [UInt8] = [0, 5, 0, 0xfa, 0xff] + Array("hello".utf8)
        reply.write(ByteBuffer(bytes: head + block))
        #expect(await transfer.text() == "hello")
        #expect(server.requests[0]["Accept-Encoding"]?.contains("gzip") == true)
        transfer.transfer.cancel()
        try await server.stop()
    }

    @Test func `a paused transfer delivers nothing until it is woken, and then loses nothing`() async throws {
        let (server, replies) = try await Self.streaming()
        let request = CurlRequest(server.url(), idleTimeout: .seconds(1))
        var transfer = RecordedTransfer(self.curl, request, answering: .pause)
        #expect(await transfer.head()?.status == 200)
        var iterator = replies.makeAsyncIterator()
        let reply = try #require(await iterator.next())
        reply.write("one")
        // Woken without a wish for more: were the pause leaky, or the idle timeout running, it would show between the two.
        for _ in 0..<60 {
            transfer.transfer.wake()
            guard case .woken? = await transfer.next() else {
                Issue.record("something else was reported")
                return
            }
            _ = try? await self.curl.response(to: CurlRequest(server.url(), timeout: .milliseconds(20)), bodyLimit: 0)
        }
        transfer.wish.now = .more
        transfer.transfer.wake()
        guard case .woken? = await transfer.next() else {
            Issue.record("something else was reported")
            return
        }
        #expect(await transfer.text() == "one")
        reply.write("two")
        #expect(await transfer.text() == "two")
        transfer.transfer.cancel()
        try await server.stop()
    }

    @Test func `a reader that pauses on every part gets a large body whole`() async throws {
        let size = 2 << 20
        let body = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let server = try await ScriptedHTTPServer { _, reply in
            reply.begin(200)
            reply.write(body)
            reply.end()
        }
        let (stream, continuation) = AsyncStream.makeStream(of: (ByteBuffer, CurlError?).self)
        let transfer = self.curl.transfer()
        self.curl.start(transfer, CurlRequest(server.url())) { PausingReceiver(transfer) { continuation.yield(($0, $1)) } }
        var iterator = stream.makeAsyncIterator()
        let (received, error) = try #require(await iterator.next())
        #expect(error == nil)
        #expect(received == body)
        try await server.stop()
    }

    /// A body of several members, and what they hold.
    private static func compressed(_ coding: ContentCoding, size: Int) -> (body: ByteBuffer, text: ByteBuffer) {
        let text = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 &>> 7) })
        let compressor = SegmentCompressor()
        var body = ByteBuffer()
        for start in stride(from: 0, to: size, by: size / 3 + 1) {
            let piece = text.getSlice(at: start, length: min(size / 3 + 1, size - start))!
            body.writeBytes(coding.start)
            compressor.write(piece, as: coding, into: &body)
            var sum = GzipSum()
            sum.add(GzipSum(piece))
            body.writeImmutableBuffer(coding.end(sum))
        }
        return (body, text)
    }

    @Test(arguments: [ContentCoding.gzip, .zstd]) func `a reader that pauses on every part gets a compressed body whole`(
        _ coding: ContentCoding
    ) async throws {
        let (body, text) = Self.compressed(coding, size: 2 << 20)
        let server = try await ScriptedHTTPServer { _, reply in
            reply.begin(200, [("Content-Encoding", coding.rawValue)])
            reply.write(body)
            reply.end()
        }
        let (stream, continuation) = AsyncStream.makeStream(of: (ByteBuffer, CurlError?).self)
        let transfer = self.curl.transfer()
        self.curl.start(transfer, CurlRequest(server.url(), acceptsCodings: true)) {
            PausingReceiver(transfer) { continuation.yield(($0, $1)) }
        }
        var iterator = stream.makeAsyncIterator()
        let (received, error) = try #require(await iterator.next())
        #expect(error == nil)
        #expect(received == text)
        try await server.stop()
    }

    @Test(arguments: [
        ("gzip", 1, "the compressed body ends too early"), ("gzip", 0, nil), ("zstd", 1, "the compressed body ends too early"),
        ("br", 0, "the content coding 'br' was not offered; gzip, deflate, zstd are"),
        ("deflate", 0, "the deflate data are damaged: invalid block type"),
    ]) func `a compressed body that is cut, damaged or of another coding is lost`(_ name: String, _ cut: Int, _ reason: String?)
        async throws
    {
        let (body, _) = Self.compressed(name == "zstd" ? .zstd : .gzip, size: 3000)
        let part = body.getSlice(at: 0, length: body.readableBytes - cut)!
        let server = try await ScriptedHTTPServer { _, reply in
            reply.begin(200, [("Content-Encoding", name)])
            reply.write(part)
            reply.end()
        }
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url(), acceptsCodings: true))
        let error = await transfer.rest().error
        #expect(error?.message == reason)
        #expect(error.map { $0.code == .lost && $0.isOfAnswer } != false)
        try await server.stop()
    }

    @Test func `a silent peer is given up after the idle timeout`() async throws {
        let (server, _) = try await Self.streaming()
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url(), idleTimeout: .milliseconds(100)))
        let error = await transfer.rest().error
        #expect(error?.code == .timedOut)
        #expect(error?.message == "the peer has sent nothing for too long")
        try await server.stop()
    }

    @Test func `any byte restarts the idle timeout`() async throws {
        let (server, replies) = try await Self.streaming()
        let began = ContinuousClock.now
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url(), idleTimeout: .seconds(2)))
        #expect(await transfer.head()?.status == 200)
        var iterator = replies.makeAsyncIterator()
        let reply = try #require(await iterator.next())
        while began.duration(to: .now) < .milliseconds(2500) {
            reply.write(":\n")
            #expect(await transfer.text() == ":\n")
            _ = try? await self.curl.response(to: CurlRequest(server.url(), timeout: .milliseconds(20)), bodyLimit: 0)
        }
        transfer.transfer.cancel()
        #expect(await transfer.rest().error?.code == .cancelled)
        try await server.stop()
    }

    @Test func `a receiver stops the transfer at the head, at bytes and when woken`() async throws {
        let (server, replies) = try await Self.streaming()
        var iterator = replies.makeAsyncIterator()
        var atHead = RecordedTransfer(self.curl, CurlRequest(server.url()), answering: .stop)
        #expect(await atHead.rest().error?.code == .stopped)
        try await (try #require(await iterator.next())).untilClosed()

        var atBytes = RecordedTransfer(self.curl, CurlRequest(server.url()))
        #expect(await atBytes.head() != nil)
        let reply = try #require(await iterator.next())
        atBytes.wish.now = .stop
        reply.write("x")
        #expect(await atBytes.rest().error?.code == .stopped)
        try await reply.untilClosed()

        var whenWoken = RecordedTransfer(self.curl, CurlRequest(server.url()))
        #expect(await whenWoken.head() != nil)
        whenWoken.wish.now = .stop
        whenWoken.transfer.wake()
        #expect(await whenWoken.rest().error?.code == .stopped)
        try await (try #require(await iterator.next())).untilClosed()
        try await server.stop()
    }

    @Test func `cancelling ends the transfer once and later calls do nothing`() async throws {
        let (server, replies) = try await Self.streaming()
        var transfer = RecordedTransfer(self.curl, CurlRequest(server.url()))
        #expect(await transfer.head() != nil)
        transfer.transfer.cancel()
        transfer.transfer.cancel()
        #expect(await transfer.rest().error?.code == .cancelled)
        transfer.transfer.wake()
        var iterator = replies.makeAsyncIterator()
        try await (try #require(await iterator.next())).untilClosed()
        try await server.stop()
    }

    @Test func `transfers end when the last owner releases them`() async throws {
        let (server, replies) = try await Self.streaming()
        var curl: CurlMulti? = CurlMulti()
        var transfer = RecordedTransfer(try #require(curl), CurlRequest(server.url()))
        #expect(await transfer.head() != nil)
        curl = nil
        let error = await transfer.rest().error
        #expect(error?.code == .cancelled)
        #expect(error?.message == "the program ends")
        var iterator = replies.makeAsyncIterator()
        try await (try #require(await iterator.next())).untilClosed()
        try await server.stop()
    }
}

/// Pauses after every part and asks itself to be woken.
private final class PausingReceiver: CurlReceiver {
    private let transfer: CurlTransfer
    private let done: (ByteBuffer, CurlError?) -> Void
    private var body = ByteBuffer()

    init(_ transfer: CurlTransfer, done: @escaping (ByteBuffer, CurlError?) -> Void) {
        self.transfer = transfer
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand { .more }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        self.body.writeBytes(bytes)
        self.transfer.wake()
        return .pause
    }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        if case .failure(let error) = result { self.done(self.body, error) } else { self.done(self.body, nil) }
    }
}
