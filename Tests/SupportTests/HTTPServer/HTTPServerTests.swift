import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@Suite struct HTTPServerTests {
    @Test func `a request is answered and the connection kept`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/a/{name}", handler: echo)
            let client = try RawConnection(port: port)
            for _ in 0..<2 {
                try await client.send("GET /a/b%20c?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.body == "GET /a/b%20c [name=b c] ")
                #expect(answer.headers["connection"] == nil)
                #expect(answer.headers["date"]?.hasSuffix("GMT") == true)
            }
        }
    }

    @Test func `a request fed byte by byte and in every two-way split is the same request`() async throws {
        let request = Array("POST /p?q HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".utf8)
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let client = try RawConnection(port: port)
            for split in 1..<request.count {
                try await client.send(Array(request[..<split]))
                try await client.send(Array(request[split...]))
                #expect(try await client.answer().body == "POST /p [] hello")
            }
            for byte in request {
                try await client.send([byte])
            }
            #expect(try await client.answer().body == "POST /p [] hello")
        }
    }

    @Test func `a chunked body is put together`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send(
                "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nT: x\r\n\r\n")
            #expect(try await client.answer().body == "POST /p [] hello")
        }
    }

    @Test func `pipelined requests are answered in order, however late the first answer comes`() async throws {
        let late = Mutex<HTTPResponder?>(nil)
        try await withServer { router, port, _ in
            try router.register(.GET, "/late") { _, responder in late.withLock { $0 = responder } }
            try router.register(.GET, "/early") { _, responder in
                responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "early")))
            }
            let client = try RawConnection(port: port)
            let early = String(repeating: "GET /early HTTP/1.1\r\nHost: x\r\n\r\n", count: 50)
            try await client.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n" + early)
            while late.withLock({ $0 == nil }) { await Task.yield() }
            late.withLock { responder in
                responder?.respond(HTTPResponse(.ok, body: ByteBuffer(string: "late")))
                responder = nil
            }
            #expect(try await client.answer().body == "late")
            for _ in 0..<50 {
                #expect(try await client.answer().body == "early")
            }
        }
    }

    @Test func `an answer from another thread arrives, a second one is ignored`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/") { _, responder in
                Task {
                    responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "first")))
                    responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: "second")))
                }
            }
            let client = try RawConnection(port: port)
            for _ in 0..<20 {
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.answer().body == "first")
            }
        }
    }

    @Test func `a dropped responder answers 500`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/") { _, _ in }
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().status == 500)
        }
    }

    @Test func `unknown paths, other methods, HEAD and OPTIONS`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/a", handler: echo)
            try router.register(.POST, "/a", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
            let missing = try await client.answer()
            #expect(missing.status == 404)
            #expect(missing.body == #"{"error":"Not found"}"#)
            #expect(missing.headers["content-type"] == "application/json")
            try await client.send("DELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            let other = try await client.answer()
            #expect(other.status == 405)
            #expect(other.headers["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(other.body == #"{"error":"Method not allowed"}"#)
            try await client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try await client.answer(isHead: true)
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == "11")
            try await client.send("OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n")
            let options = try await client.answer()
            #expect(options.status == 204)
            #expect(options.headers["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(options.headers["content-length"] == nil)
            try await client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().status == 204)
            try await client.send("GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().body == "GET /a [] ")
        }
    }

    @Test func `HTTP 1.0 closes unless asked to keep the connection`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.answer().headers["connection"] == "keep-alive")
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            let text = try await client.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.contains("Connection: close\r\n"))
        }
    }

    @Test func `a client that ends its direction still gets its answers`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.finishSending()
            #expect(try await client.receiveToEnd().components(of: "HTTP/1.1 200 OK") == 2)
        }
    }

    @Test func `a body over the limit is refused before it is read`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", bodyLimit: 10, handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
            let text = try await client.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 413 "))
            #expect(text.hasSuffix(#"{"error":"Payload too large","limit":10}"#))
        }
    }

    @Test func `a chunked body over the limit is refused while it is read`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", bodyLimit: 10, handler: echo)
            let client = try RawConnection(port: port)
            try await client.send(
                "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n")
            #expect(try await client.receiveToEnd().hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func `a short body over the limit does not cost the connection`() async throws {
        try await withServer { router, port, _ in
            try router.register(.POST, "/p", bodyLimit: 3, handler: echo)
            let client = try RawConnection(port: port)
            try await client.send(
                "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            )
            #expect(try await client.answer().status == 413)
            #expect(try await client.answer().body == "POST /p [] abc")
        }
    }

    @Test func `100 Continue is sent only once the request is admitted`() async throws {
        try await withServer { router, port, _ in
            try router.register(
                .POST, "/p",
                admit: { $0.header("Authorization") == nil ? .error(.unauthorized, "No token") : nil },
                handler: echo
            )
            let client = try RawConnection(port: port)
            try await client.send(
                "POST /p HTTP/1.1\r\nHost: x\r\nAuthorization: y\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            #expect(try await client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            #expect(try await client.answer().body == "POST /p [] hello")
            try await client.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            #expect(try await client.receiveToEnd().hasPrefix("HTTP/1.1 401 "))
            let other = try RawConnection(port: port)
            try await other.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nContent-Length: 5\r\n\r\n")
            #expect(try await other.receiveToEnd().contains("The expectation 'cake' is not supported"))
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("nonsense\r\n\r\n", 400),
    ]) func `a request that could be read in two ways is refused and the connection closed`(_ text: String, _ status: Int)
        async throws
    {
        try await withServer { router, port, _ in
            let served = Atomic<Int>(0)
            let count: HTTPRouter.BufferedHandler = { request, responder in
                served.wrappingAdd(1, ordering: .relaxed)
                echo(request, responder)
            }
            try router.register(.POST, "/", handler: count)
            try router.register(.GET, "/x", handler: count)
            let client = try RawConnection(port: port)
            try await client.send(text)
            let answer = try await client.answer()
            #expect(answer.status == status || (status == 400 && [501, 505].contains(answer.status)), "\(answer)")
            #expect(answer.body.hasPrefix("{\"error\":\""))
            #expect(served.load(ordering: .relaxed) == 0)
        }
    }

    @Test(arguments: [
        ("FOO / HTTP/1.1\r\n", 501, "The method 'FOO' is not supported"),
        ("get / HTTP/1.1\r\n", 501, "The method 'get' is not supported"),
        ("GETX / HTTP/1.1\r\n", 501, "The method 'GETX' is not supported"),
        ("PLAY / HTTP/1.1\r\n", 501, "The method 'PLAY' is not supported"),
        ("FOO /none HTTP/1.1\r\n", 501, "The method 'FOO' is not supported"),
        ("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Method not allowed"),
        ("PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Method not allowed"),
        ("QUERY / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Method not allowed"),
        ("F(O / HTTP/1.1\r\n", 400, "Malformed HTTP request"), ("F\u{F6}O / HTTP/1.1\r\n", 400, "Malformed HTTP request"),
        ("FO(O / HTTP/1.1\r\n", 501, "The method is not supported"), ("FOO\r\n", 501, "The method is not supported"),
        ("GET\r\n", 400, "Malformed HTTP request"),
        ("GET / HTTP/1.2 HTTP/1.1\n", 505, "Only HTTP/1.0 and HTTP/1.1 are supported"),
        ("GET /\(String(repeating: "x", count: 5000)) HTTP/1.1\n", 400, "The request line does not end with CR LF"),
        ("PLAY / RTSP/1.0\r\n\r\n", 501, "The method 'PLAY' is not supported"),
        ("GET / FOO/1.1\r\n", 400, "Malformed HTTP request"), ("\u{16}\u{3}\u{1}\u{1}", 400, "Malformed HTTP request"),
        ("GET / HTTP/1.2\r\n", 505, "Only HTTP/1.0 and HTTP/1.1 are supported"),
        ("GET / HTTP/3.0\r\n", 505, "Only HTTP/1.0 and HTTP/1.1 are supported"),
        ("GET / HTTP/1.1\nHost: x\n\n", 400, "The request line does not end with CR LF"),
        ("GET / HTTP/1.0\nHost: x\n\n", 400, "The request line does not end with CR LF"),
        ("GET / HTTP/1.2\nHost: x\n\n", 505, "Only HTTP/1.0 and HTTP/1.1 are supported"),
        ("GET /#x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "The request target contains a fragment"),
        ("GET /?a=b#x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "The request target contains a fragment"),
        ("GET http://x#/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "Malformed HTTP request"),
    ]) func `an invalid request is answered with what is wrong with it`(_ text: String, _ status: Int, _ error: String)
        async throws
    {
        try await withServer { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            try router.register(.POST, "/", handler: echo)
            func expect(_ client: RawConnection) async throws {
                let answer = try await client.answer()
                #expect(answer.status == status && answer.body.hasPrefix("{\"error\":\"\(error)"), "\(answer)")
                #expect(answer.headers["allow"] == (status == 405 ? "GET, HEAD, OPTIONS, POST" : nil))
            }
            let client = try RawConnection(port: port)
            try await client.send(text)
            try await expect(client)
            // After others, in one piece.
            let second = try RawConnection(port: port)
            let body = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na b\n"
            try await second.send("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n" + body + "\r\n" + text)
            #expect(try await second.answer().body == "GET / [] ")
            #expect(try await second.answer().body == "POST / [] a b\n")
            try await expect(second)
        }
    }

    @Test(arguments: [
        ("FOO / HTTP/1.1\r\n", 501), ("get / HTTP/1.1\r\n", 501), ("GETX / HTTP/1.1\r\n", 501), ("PLAY / HTTP/1.1\r\n", 501),
        ("F(O / HTTP/1.1\r\n", 400), ("Accept: x\r\n", 501), ("\u{16}\u{3}", 400), ("GET\r\n", 400), ("GET / FOO/1.1\r\n", 400),
        ("GET / HTTP/1.1\n", 400), ("GET / HTTP/1.2\r\n", 505), ("GET / HTTP/1.15\r\n", 505), ("GET / HTTP/1.2 HTTP/1.1\n", 505),
        ("GET /\(String(repeating: "x", count: 600)) HTTP/1.1\n", 400),
    ]) func `the answer to a malformed request does not depend on how it is split`(_ text: String, _ status: Int) async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let bytes = Array("\r\n\(text)".utf8)
            let splits = bytes.count < 100 ? Array(1..<bytes.count) : [10, 519, 610, bytes.count - 1]
            for split in splits {
                let client = try RawConnection(port: port)
                // The server may answer before the last byte.
                for piece in [bytes[..<split], bytes[split...]] { try? await client.send(Array(piece)) }
                #expect(try await client.answer().status == status, "split at \(split)")
            }
            let client = try RawConnection(port: port)
            for byte in bytes { try? await client.send([byte]) }
            #expect(try await client.answer().status == status)
        }
    }

    @Test func `a target over the limit is answered 414`() async throws {
        try await withServer { _, port, _ in
            let client = try RawConnection(port: port)
            try await client.send("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == 414)
            #expect(answer.body == #"{"error":"The request target is longer than 8192 bytes; send long lists in a body"}"#)
        }
    }

    @Test func `a head over the limit is answered 431`() async throws {
        try await withServer({ $0.headerBytes = 1000 }) { router, port, _ in
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "a", count: 2000) + "\r\n\r\n")
            let text = try await client.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 431 "))
            #expect(text.contains(#"{"error":"Request header fields too large"}"#))
        }
    }

    @Test func `a head that comes too slowly, an idle connection and a slow body are closed`() async throws {
        try await withServer({
            $0.headTimeout = .milliseconds(500)
            $0.idleTimeout = .milliseconds(500)
            $0.bodyTimeout = .milliseconds(500)
        }) { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let slow = try RawConnection(port: port)
            try await slow.send("GET / HT")
            #expect(try await slow.receiveToEnd() == "")
            let body = try RawConnection(port: port)
            try await body.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nh")
            #expect(try await body.receiveToEnd().hasPrefix("HTTP/1.1 408 "))
            let idle = try RawConnection(port: port)
            try await idle.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nh")
            #expect(try await idle.answer().status == 200)
            #expect(try await idle.receiveToEnd() == "")
        }
    }

    @Test func `connections above the limit are answered 503`() async throws {
        try await withServer({ $0.connections = 1 }) { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let first = try RawConnection(port: port)
            try await first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await first.answer().status == 200)
            let second = try RawConnection(port: port)
            let text = try await second.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 503 "))
            #expect(text.contains("Retry-After: 5\r\n"))
            try await first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await first.answer().status == 200)
        }
    }

    @Test func `shutdown refuses new connections, closes idle ones and lets running requests be answered`() async throws {
        let pending = Mutex<HTTPResponder?>(nil)
        try await withServer { router, port, server in
            try router.register(.GET, "/") { _, responder in pending.withLock { $0 = responder } }
            try router.register(.GET, "/now", handler: echo)
            let idle = try RawConnection(port: port)
            try await idle.send("GET /now HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await idle.answer().status == 200)
            let busy = try RawConnection(port: port)
            try await busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while pending.withLock({ $0 == nil }) { await Task.yield() }
            async let end: Void = server.shutdown(deadline: .now + .seconds(10))
            #expect(try await idle.receiveToEnd() == "")
            #expect(throws: PeerError.self) { try RawConnection(port: port) }
            pending.withLock { responder in
                responder?.respond(HTTPResponse(.ok))
                responder = nil
            }
            #expect(try await busy.receiveToEnd().hasPrefix("HTTP/1.1 200 OK"))
            await end
            #expect(server.connections == 0)
        }
    }

    @Test func `shutdown resets connections that have had no answer, so that their clients come back`() async throws {
        let pending = Mutex<HTTPResponder?>(nil)
        try await withServer { router, port, server in
            try router.register(.GET, "/", handler: { _, responder in pending.withLock { $0 = responder } })
            let fresh = try BlockingSocket(port: port)
            let waiting = try BlockingSocket(port: port)
            try waiting.write(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            while server.connections < 2 || pending.withLock({ $0 == nil }) { await Task.yield() }
            await server.shutdown(deadline: .now)
            for socket in [fresh, waiting] {
                var bytes: [UInt8] = []
                let error = #expect(throws: PeerError.self) { try socket.read(into: &bytes, timeout: .seconds(10)) }
                #expect(error?.description.contains("reset by peer") == true)
            }
        }
    }

    @Test func `a port that is taken is named`() async throws {
        try await withServer { router, port, server in
            let second = HTTPServer(
                configuration: HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: port)), router: router,
                group: MultiThreadedEventLoopGroup.singleton, logger: .init(label: "test")
            )
            let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
            #expect(
                error?.message
                    == "the HTTP server cannot listen on 127.0.0.1:\(port): Address already in use; another program uses the port; "
                    + "stop it, or change http.listen")
        }
    }
}

extension String {
    /// How often this text contains another one.
    func components(of text: String) -> Int {
        self.indices.count { self[$0...].hasPrefix(text) }
    }
}
