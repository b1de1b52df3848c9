import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

/// What clients that ask for too much, or do not read, are answered.
@Suite struct HTTPLimitTests {
    private static let refused: [UInt8] = [0, 0, 0, 7]

    @Test func `one stream too many is refused, and the others live on`() async throws {
        let waiting = Mutex<[HTTPResponder]>([])
        try await withServer({ $0.streams = 100 }) { router, port, _ in
            try router.register(.GET, "/") { _, responder in waiting.withLock { $0.append(responder) } }
            let client = try RawConnection(port: port)
            try await client.send(preface)
            _ = try await client.receive(count: 9 + 12)
            try await client.send(frame(4, flags: 1))
            for number in 0..<102 { try await client.send(frame(1, flags: 5, stream: UInt32(number * 2 + 1), getFields)) }
            try await eventually("all but two are asked") { waiting.withLock { $0.count } == 100 }
            // RST_STREAM with REFUSED_STREAM for 201 and 203.
            for stream in [UInt8(201), 203] {
                _ = try await client.receive(through: String(decoding: [0, 0, 4, 3, 0, 0, 0, 0], as: UTF8.self))
                _ = try await client.receive(count: 1)
                #expect(Array(try await client.receive(count: 4).utf8) == Self.refused, "of stream \(stream)")
            }
            waiting.withLock { $0.removeLast() }.respond(HTTPResponse(.ok, body: ByteBuffer(string: "answered")))
            _ = try await client.receive(through: "answered")
            // Its place is free.
            try await client.send(frame(1, flags: 5, stream: 205, getFields))
            try await eventually("the next is asked") { waiting.withLock { $0.count } == 100 }
            waiting.withLock { $0.removeAll() }
        }
    }

    @Test func `the settings announce the limit of streams`() async throws {
        try await withServer({ $0.streams = 123 }) { _, port, _ in
            let client = try RawConnection(port: port)
            try await client.send(preface)
            let settings = Array(try await client.receive(count: 9 + 12).utf8)
            #expect(Array(settings[9..<15]) == [0, 3, 0, 0, 0, 123])
        }
    }

    @Test(arguments: [true, false])
    func `permission is asked for before the body is read`(_ isGranted: Bool) async throws {
        let asked = Mutex<EventLoopPromise<HTTPResponse?>?>(nil)
        try await withServer { router, port, _ in
            try router.register(
                .POST, "/p",
                authorize: { _ in
                    let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: HTTPResponse?.self)
                    asked.withLock { $0 = promise }
                    return promise.futureResult
                },
                handler: echo)
            func decide() {
                asked.withLock { promise in
                    promise?.succeed(isGranted ? nil : .error(.forbidden, "Not you"))
                    promise = nil
                }
            }
            let client = try RawConnection(port: port)
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            try await eventually("permission is asked for") { asked.withLock { $0 != nil } }
            decide()
            if isGranted {
                #expect(try await client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
                try await client.send("hello")
                #expect(try await client.answer().body == "POST /p [] hello")
            } else {
                #expect(try await client.receiveToEnd().hasPrefix("HTTP/1.1 403 "))
            }
            // A body that is there at once, and a request behind it.
            let eager = try RawConnection(port: port)
            try await eager.send(
                "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("permission is asked for") { asked.withLock { $0 != nil } }
            decide()
            #expect(try await eager.answer().body == (isGranted ? "POST /p [] hello" : #"{"error":"Not you"}"#))
            #expect(try await eager.answer().status == 404)
            async let text = curl(port, "/p", ["-d", "hello"])
            try await eventually("permission is asked for") { asked.withLock { $0 != nil } }
            decide()
            #expect(try await text == (isGranted ? "POST /p [] hello" : #"{"error":"Not you"}"#))
        }
    }

    @Test func `an answer that nobody reads ends its connection, one that is read slowly arrives whole`() async throws {
        try await withServer({ $0.idleTimeout = .seconds(2) }) { router, port, server in
            let large = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16 << 20)
            try router.register(.GET, "/large") { _, responder in responder.respond(HTTPResponse(.ok, body: large)) }
            let idle = try RawConnection(port: port, receiveBuffer: 4096)
            try await idle.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the connection is there") { server.connections == 1 }
            try await eventually("the connection is closed") { server.connections == 0 }
            let arguments = [
                "-sS", "--limit-rate", "4M", "-o", "/dev/null", "-w", "%{size_download}", "http://127.0.0.1:\(port)/large",
            ]
            for version in ["--http1.1", "--http1.0", "--http2-prior-knowledge"] {
                try await ChildProcess.with("curl", [version] + arguments) { curl in
                    let ending = try await curl.untilEnded()
                    #expect(ending == .exited(0), "\(version): \(curl.standardError)")
                    #expect(curl.standardOutput == "\(16 << 20)", "\(version)")
                }
            }
        }
    }

    @Test func `where memory is short, old bodies and answers make room, and new ones are refused`() async throws {
        try await withServer({ $0.bufferedBytes = 1 << 20 }) { router, port, server in
            let large = ByteBuffer(repeating: UInt8(ascii: "x"), count: 700 << 10)
            try router.register(.POST, "/p", handler: echo)
            try router.register(.GET, "/large") { _, responder in responder.respond(HTTPResponse(.ok, body: large)) }
            let reader = try RawConnection(port: port)
            var slow = try RawConnection(port: port)
            // On a busy machine a body may be old before the next request comes.
            try await eventually("there is no room") {
                slow = try RawConnection(port: port)
                try await slow.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
                try await slow.send([UInt8](repeating: UInt8(ascii: "a"), count: 900_000))
                try await reader.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                return try await reader.answer().status == 503
            }
            // What has been held for a second gives way.
            try await eventually("there is room") {
                try await reader.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                return try await reader.answer().status == 200
            }
            let text = try await slow.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 503 "), "\(text)")
            #expect(text.contains("Too many unfinished requests and unread answers"))
        }
    }

    @Test func `vital routes are answered above the limit of connections`() async throws {
        try await withServer({
            $0.connections = 1
            $0.spareConnections = 2
        }) { router, port, server in
            try router.register(.GET, "/", handler: echo)
            try router.register(.GET, "/livez", isVital: true, handler: echo)
            let first = try RawConnection(port: port)
            try await first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await first.answer().status == 200)
            for _ in 0..<3 {
                let pulse = try RawConnection(port: port)
                try await pulse.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                let text = try await pulse.receiveToEnd()
                #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("Connection: close\r\n"))
            }
            let other = try RawConnection(port: port)
            try await other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await other.receiveToEnd().hasPrefix("HTTP/1.1 503 "))
            #expect(try await curl(port, "/livez") == "GET /livez [] ")
            #expect(try await curl(port, "/") == #"{"error":"Too many connections"}"#)
            try await eventually("they are gone") { server.connections == 1 }
            // Those who take the spare places and say nothing give way to those who come later.
            let silent = try (0..<20).map { _ in try RawConnection(port: port) }
            try await eventually("a pulse is heard") {
                let pulse = try RawConnection(port: port)
                try? await pulse.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                return try await pulse.receiveToEnd().hasPrefix("HTTP/1.1 200 ")
            }
            #expect(server.connections <= 4)
            withExtendedLifetime(silent) {}
        }
    }

    @Test(arguments: ["end", "reset", "stream"])
    func `a request that waits knows when its client leaves`(_ way: String) async throws {
        let left = Atomic<Int>(0)
        let asked = Atomic<Int>(0)
        try await withServer { router, port, server in
            try router.registerStream(.GET, "/") { _, _ in
                asked.wrappingAdd(1, ordering: .relaxed)
                let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: HTTPStreamAnswer.self)
                return .later(
                    promise.futureResult,
                    abandoned: {
                        left.wrappingAdd(1, ordering: .relaxed)
                        promise.succeed(.respond(.json(.ok, "{}")))
                    })
            }
            var connection: RawConnection? = try RawConnection(port: port)
            if way == "stream" {
                try await connection?.send(preface + frame(1, flags: 5, stream: 1, getFields))
            } else {
                try await connection?.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            try await eventually("it is asked") { asked.load(ordering: .relaxed) == 1 }
            #expect(left.load(ordering: .relaxed) == 0)
            switch way {
            case "stream": try await connection?.send(frame(3, stream: 1, [0, 0, 0, 8]))
            case "reset":
                connection?.reset()
                connection = nil
            default:
                let client = try #require(connection)
                client.finishSending()
                #expect(try await client.receiveToEnd().hasSuffix("{}"), "one that only ends its direction gets an answer")
            }
            try await eventually("it has left") { left.load(ordering: .relaxed) == 1 }
        }
    }

    @Test(arguments: [
        ("1;extension=", "x"), ("", "1;" + String(repeating: "x", count: 100) + "\r\nc\r\n"), ("", "0"), ("1\r\nc\r\n0", "0"),
    ])
    func `a body whose chunks hold next to nothing is refused`(_ start: String, _ rest: String) async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + start)
            // The server may be gone before all is sent.
            try? await client.send(String(repeating: rest, count: (256 << 10) / rest.utf8.count))
            let answer = try await client.answer()
            #expect(answer.status == 400)
            #expect(answer.body == #"{"error":"The chunks of the body are too small"}"#)
        }
    }

    @Test func `a body in chunks of one byte is accepted`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p") { $1.respond(.json(.ok, "\($0.body.readableBytes)")) }
            let client = try RawConnection(port: port)
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.send(String(repeating: "1\r\nc\r\n", count: 50_000) + "0\r\n\r\n")
            #expect(try await client.answer().body == "50000")
        }
    }

    @Test(arguments: ["\r\n", " "])
    func `what comes before a request comes to an end`(_ filler: String) async throws {
        try await withServer { _, port, server in
            let client = try RawConnection(port: port)
            try? await client.send("GET" + filler + String(repeating: filler, count: (256 << 10) / filler.utf8.count))
            try await eventually("the connection is closed") { server.connections == 0 }
            let other = try RawConnection(port: port)
            try? await other.send(String(repeating: filler, count: (256 << 10) / filler.utf8.count))
            try await eventually("the connection is closed") { server.connections == 0 }
        }
    }

    @Test func `space around a field's value is not part of it`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p") { request, responder in
                let text = "\(request.bearerToken ?? "none") [\(request.header("X-A") ?? "")] \(String(buffer: request.body))"
                responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: text)))
            }
            let client = try RawConnection(port: port)
            let fields = "Authorization: Bearer T \t\r\nX-A: \t a b\t\r\nX-Empty: \r\n"
            try await client.send("POST /p HTTP/1.1\r\nHost: x \r\n\(fields)Content-Length: 5 \r\n\r\nhello")
            #expect(try await client.answer().body == "T [a b] hello")
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked \r\n\r\n2\r\nhi\r\n0\r\n\r\n")
            #expect(try await client.answer().body == "none [] hi")
        }
    }
}
