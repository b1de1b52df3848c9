import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite struct HTTP2Tests {
    @Test func `both versions are served on one port`() async throws {
        try await withServer { router, port, server in
            try router.register(.GET, "/a/{name}", handler: echo)
            let two = try await curl(port, "/a/b%20c?x=1", ["-i"])
            #expect(two.hasPrefix("HTTP/2 200 \r\nserver: streambridge\r\ndate: "))
            #expect(two.hasSuffix("GMT\r\ncontent-length: 24\r\n\r\nGET /a/b%20c [name=b c] "))
            let client = try RawConnection(port: port)
            try await client.send("GET /a/b%20c?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().body == "GET /a/b%20c [name=b c] ")
        }
    }

    @Test func `the preface may come byte by byte, and a method that begins like it is a method`() async throws {
        try await withServer { router, port, _ in
            try router.register(.RAW(value: "PROPFIND"), "/p", handler: echo)
            let client = try RawConnection(port: port)
            for byte in preface { try await client.send([byte]) }
            // SETTINGS with two parameters.
            #expect(try await client.receive(count: 9) == "\0\0\u{0C}\u{04}\0\0\0\0\0")
            let other = try RawConnection(port: port)
            for byte in Array("PROPFIND /p HTTP/1.1\r\nHost: x\r\n\r\n".utf8) { try await other.send([byte]) }
            #expect(try await other.answer().body == "PROPFIND /p [] ")
        }
    }

    @Test func `requests follow one another on one connection`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let script = """
                const post = (body, then) => session.request({ ':path': '/p', ':method': 'POST' })
                    .on('data', data => console.log(String(data))).on('end', then).end(body);
                post('one', () => post('two', () => session.close()));
                """
            try await withNode(port, script) { node in
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput == "POST /p [] one\nPOST /p [] two\n")
            }
        }
    }

    @Test func `refusals are those of HTTP 1`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/a", handler: echo)
            try router.register(.POST, "/a", bodyLimit: 10, handler: echo)
            try router.register(.GET, "/no", admit: { _ in .error(.forbidden, "Not you") }, handler: echo)
            try router.registerStream(.GET, "/s") { _, _ in .respond(.error(.notAcceptable, "No")) }
            let missing = try await curl(port, "/b", ["-w", " %{http_code} %{content_type}"])
            #expect(missing == #"{"error":"Not found"} 404 application/json"#)
            let other = try await curl(port, "/a", ["-i", "-X", "DELETE"])
            #expect(other.contains("HTTP/2 405"))
            #expect(other.contains("allow: GET, HEAD, OPTIONS, POST\r\n"))
            #expect(other.hasSuffix(#"{"error":"Method not allowed"}"#))
            #expect(try await curl(port, "/a", ["-X", "OPTIONS", "-w", "%{http_code}"]) == "204")
            #expect(try await curl(port, "/no", ["-w", " %{http_code}"]) == #"{"error":"Not you"} 403"#)
            #expect(try await curl(port, "/s", ["-w", " %{http_code}"]) == #"{"error":"No"} 406"#)
            #expect(try await curl(port, "/a%zz", ["-w", " %{http_code}"]) == #"{"error":"Malformed path"} 400"#)
            let none = try await curl(port, "/s", ["-X", "GET", "-d", "x", "-w", " %{http_code}"])
            #expect(none == #"{"error":"This request must not have a body"} 400"#)
            for (fields, status) in [
                ("':path': '/a', ':authority': 'x', host: 'y'", 400), ("':path': '/a#x'", 400),
                ("':path': '/a', ':method': 'FOO'", 501), ("':path': '/nowhere', ':method': 'get'", 501),
                ("':path': '/a', ':method': 'PROPFIND'", 405), ("':path': '/a', ':method': 'F(O'", 400),
            ] {
                let script = """
                    session.request({ \(fields) })
                        .on('response', head => { console.log(head[':status']); session.close(); });
                    """
                try await withNode(port, script) { node in
                    let ending = try await node.untilEnded()
                    #expect(ending == .exited(0), "\(node.standardError)")
                    #expect(node.standardOutput == "\(status)\n", "\(fields)")
                }
            }
        }
    }

    @Test func `HEAD has the length and no body, for a stream too`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/a", handler: echo)
            try Filler(total: 10).register(router, "/s")
            let head = try await curl(port, "/a", ["-I"])
            #expect(head.hasPrefix("HTTP/2 200"))
            #expect(head.contains("content-length: 11\r\n"))
            #expect(try await curl(port, "/s", ["-I"]).hasPrefix("HTTP/2 200"))
        }
    }

    @Test func `a body is taken up to its limit, announced or not`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", bodyLimit: 600_000) { request, responder in
                responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "\(request.body.readableBytes)")))
            }
            let files = try TemporaryDirectory()
            for (count, isTaken) in [(600_000, true), (600_001, false), (3_000_000, false)] {
                let path = try files.write(bytes: [UInt8](repeating: 0, count: count), to: "body")
                for length in [[], ["-H", "Content-Length:"]] {
                    let text = try await curl(port, "/p", ["--data-binary", "@" + path, "-w", " %{http_code}"] + length)
                    #expect(text == (isTaken ? "600000 200" : #"{"error":"Payload too large","limit":600000} 413"#))
                }
            }
        }
    }

    @Test func `an answer that comes late does not hold back the others, and one for a client that is gone is dropped`()
        async throws
    {
        let late = Mutex<[HTTPResponder]>([])
        try await withServer { router, port, server in
            try router.register(.GET, "/late") { _, responder in late.withLock { $0.append(responder) } }
            try router.register(.GET, "/early", handler: echo)
            let script = """
                const late = get('/late').on('data', data => console.log(data)).on('end', () => session.close());
                const gone = get('/late');
                gone.on('ready', () => { gone.close(8); get('/early').on('data', data => console.log(data)); });
                """
            try await withNode(port, script) { node in
                try await eventually("the second is answered") { node.standardOutput.contains("GET /early") }
                try await eventually("both have arrived") { late.withLock { $0.count } == 2 }
                for responder in late.withLock({ $0 }) { responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "late"))) }
                late.withLock { $0 = [] }
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput.hasSuffix("late\n"))
            }
            try await eventually("the connection is closed") { server.connections == 0 }
        }
    }

    @Test func `a dropped responder answers 500`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/") { _, _ in }
            #expect(try await curl(port, "/", ["-w", " %{http_code}"]) == #"{"error":"The request was not answered"} 500"#)
        }
    }

    @Test func `field names are lowercase, and what speaks of a connection is left out`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/") { request, responder in
                let cookie = request.header("Cookie") ?? ""
                let headers = [
                    ("X-Cookie", cookie), ("X-Host", request.header("Host") ?? ""), ("Connection", "close"), ("bad name", "x"),
                    ("X-Forged", "a\r\nb"), ("X-Space", " a b\t"), ("X-Empty", " "),
                ]
                responder.respond(HTTPResponse(.ok, headers: headers))
            }
            let text = try await curl(port, "/", ["-i", "-H", "Cookie: a=1; b=2"])
            #expect(text.contains("x-cookie: a=1; b=2\r\n"))
            #expect(text.contains("x-host: 127.0.0.1:\(port)\r\n"))
            #expect(text.contains("x-space: a b\r\nx-empty: \r\n"))
            #expect(!text.contains("connection:") && !text.contains("bad") && !text.contains("forged"))
        }
    }
}
