import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

/// Connections of one event loop whose clients send more than can be handled at once.
@Suite struct HTTPSchedulerTests {
    /// Requests of one client: as many as the server reads at once.
    private static let requests = 300

    @Test(arguments: ["HTTP/1.1", "HTTP/2"])
    func `who sends many requests at once holds up nobody else`(_ version: String) async throws {
        try await Self.withBusyServer { port, busy in
            let other = try RawConnection(port: port)
            try await other.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await other.answer().status == 200)
            let client = try RawConnection(port: port)
            if version == "HTTP/2" {
                try await client.send(
                    preface + (0..<Self.requests).flatMap { frame(1, flags: 5, stream: UInt32($0 * 2 + 1), getFields) })
            } else {
                try await client.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: Self.requests))
            }
            try await eventually("the first is handled") { busy.count > 0 }
            let before = busy.count
            try await other.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await other.answer().status == 200)
            let handled = busy.count - before
            #expect(handled < Self.requests / 2, "so many were handled first")
            try await eventually("the others are handled too") { busy.count == Self.requests }
        }
    }

    @Test func `requests that were sent at once are answered in order, whatever they are`() async throws {
        try await Self.withBusyServer { port, _ in
            let client = try RawConnection(port: port)
            let body = String(repeating: "x", count: 3000)
            for _ in 0..<3 {
                try await client.send(
                    String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 30)
                        + "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n\(body)"
                        + "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + String(repeating: "1;extension=value\r\nc\r\n", count: 500) + "0\r\nTrailer: t\r\n\r\n"
                        + "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
                for _ in 0..<30 { #expect(try await client.answer().body == "busy") }
                #expect(try await client.answer().body == body)
                #expect(try await client.answer().body == String(repeating: "c", count: 500))
                #expect(try await client.answer().body == "quick")
            }
            // What was sent before the end of the client's direction is answered, too.
            try await client.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 100))
            client.finishSending()
            let text = try await client.receiveToEnd()
            #expect(text.split(separator: "\r\n\r\nbusy", omittingEmptySubsequences: false).count == 101)
        }
    }

    /// Starts a server with one event loop, which `/` keeps busy for five milliseconds.
    private static func withBusyServer(_ body: (Int, Counter) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let router = HTTPRouter()
        let busy = Counter()
        try router.register(.GET, "/") { _, responder in
            let end = NIODeadline.now() + .milliseconds(5)
            while NIODeadline.now() < end {}
            busy.increment()
            responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "busy")))
        }
        try router.register(.GET, "/quick") { $1.respond(HTTPResponse(.ok, body: ByteBuffer(string: "quick"))) }
        try router.register(.POST, "/body") { $1.respond(HTTPResponse(.ok, body: $0.body)) }
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0), streams: 1000), router: router,
            group: group, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let address = try await server.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body(address.port ?? 0, busy)) } catch { result = .failure(error) }
        await server.shutdown(deadline: .now + .milliseconds(500))
        try await group.shutdownGracefully()
        try result.get()
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)

        var count: Int { self.value.load(ordering: .relaxed) }

        func increment() { self.value.wrappingAdd(1, ordering: .relaxed) }
    }
}
