import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Which hosts are served, which pages may write, and who the client behind a proxy is.
@Suite struct HTTPPolicyTests {
    // MARK: - Hosts

    @Test(arguments: [
        ("localhost", 200), ("LocalHost:8080", 200), ("localhost.:80", 200), ("app.localhost", 200), ("127.0.0.1:1", 200),
        ("127.8.8.8", 200), ("[::1]:8080", 200), ("bridge.example.com:443", 200), ("a.home.arpa", 200), ("a.b.home.arpa", 200),
        ("rebind.example", 421), ("home.arpa", 421), ("evilhome.arpa", 421), ("192.168.1.5", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421), ("[::2]", 421),
    ])
    func `a loopback listener serves the machine's own names and those of the file`(_ host: String, _ status: Int) async throws {
        try await Self.expect(status, .loopback(and: ["bridge.example.com", "*.home.arpa"]), host)
    }

    @Test(arguments: [
        ("bridge.example.com", 200), ("192.168.1.5:8080", 200), ("[2001:db8::1]", 200), ("localhost", 200),
        ("rebind.example", 421),
    ])
    func `a list of hosts holds for names, not for addresses`(_ host: String, _ status: Int) async throws {
        try await Self.expect(status, .listed(["bridge.example.com"]), host)
    }

    @Test(arguments: [
        "local host", "[::1", "::1", "[::1]x", "[::1]:x", "[127.0.0.1]", "[]", "[fe80::1%]", "[v.x]", "localhost:99999999",
        "localhost:65536", "localhost:-1", "localhost:+80", "localhost:8080:8080", "localhost:8o", ":80", "user@localhost", "a/b",
        "a%zz", "a%4", "a\\b", "a,\"b\"", "l\u{F6}calhost", String(repeating: "[", count: 5000),
    ])
    func `a malformed host is answered 400, whichever hosts are allowed`(_ host: String) async throws {
        for hosts in [HTTPPolicy.Hosts.any, .loopback(and: []), .loopback(and: ["*"]), .listed(["bridge.example.com"])] {
            try await withServer({ $0.policy.hosts = hosts }) { router, port, _ in
                try router.register(.GET, "/", handler: echo)
                let client = try RawConnection(port: port)
                try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.status == 400 && answer.body.hasPrefix("{\"error\":\"Malformed Host '\(host.first!)"), "\(answer)")
                #expect(answer.body.utf8.count < 1100)
                let script = """
                    session.request({ ':path': '/', ':authority': Buffer.from('\(Array(host.utf8).map { String($0) }.joined(separator: ","))'
                        .split(',').map(Number)).toString('latin1') })
                        .on('response', head => { console.log(head[':status']); session.close(); });
                    """
                // Node itself sends none with a space.
                guard hosts == .any, !host.contains(" ") else { return }
                try await withNode(port, script) { node in
                    let ending = try await node.untilEnded()
                    #expect(ending == .exited(0), "\(node.standardError)")
                    #expect(node.standardOutput == "400\n", "over HTTP/2")
                }
            }
        }
    }

    @Test(arguments: [
        "localhost", "localhost:", "localhost:0", "localhost:65535", "LOCALHOST.:1", "a_b-c.example", "%6cocalhost",
        "a!$&'()*+,;=~b",
        "127.0.0.1", "[::1]:80", "[::ffff:127.0.0.1]", "[fe80::1%eth0]", "[fe80::1%25eth0]:8080", "[v1.a:b]", "",
    ])
    func `every well-formed host is served if all hosts are allowed`(_ host: String) async throws {
        try await withServer({ $0.policy.hosts = .any }) { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try await client.answer().status == 200)
        }
    }

    private static func expect(_ status: Int, _ hosts: HTTPPolicy.Hosts, _ host: String) async throws {
        try await withServer({ $0.policy.hosts = hosts }) { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == status)
            if status == 421 {
                #expect(answer.body.hasPrefix("{\"error\":\"Host '") && answer.body.contains("http.allowed_hosts"), "\(answer)")
            }
            let code = try await curl(port, "/", ["-H", "Host: \(host)", "-o", "/dev/null", "-w", "%{http_code}"])
            #expect(code == "\(status)", "over HTTP/2")
        }
    }

    @Test(arguments: [
        ("http://bridge.example.com/", "rebind.example", 200), ("http://rebind.example/", "bridge.example.com", 421),
        ("http://rebind.example?a", "bridge.example.com", 421), ("HTTP://LOCALHOST:80/", "rebind.example", 200),
        ("http://bridge.example.com@rebind.example/", "localhost", 400), ("http:///", "localhost", 400),
        ("/http://rebind.example/", "localhost", 404),
    ])
    func `the host of an absolute target counts, whatever Host says`(_ target: String, _ host: String, _ status: Int) async throws
    {
        try await withServer({ $0.policy.hosts = .listed(["bridge.example.com"]) }) { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try await client.answer().status == status)
        }
    }

    @Test func `without a list every host is served`() async throws {
        try await Self.expect(200, .any, "rebind.example")
    }

    // MARK: - Pages

    @Test(arguments: [
        ("", 200),
        ("Origin: http://x:8080\r\n", 200),
        ("Origin: https://page.example\r\n", 200),
        ("Origin: HTTPS://Page.Example\r\n", 200),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: https://behind-a-proxy.example\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: https://page.example\r\n", 200),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\nAuthorization: Bearer t\r\n", 200),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: http://x:8080\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\nOrigin: http://other.x\r\n", 403),
        ("Origin: https://evil.example\r\nCookie: token=t\r\n", 403),
        ("Origin: https://evil.example\r\nAuthorization: Basic dTpw\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: http://x:8081\r\n", 403),
        ("Origin: http://x:8080.evil.example\r\n", 403),
        ("Origin: https://page.example\r\nOrigin: https://evil.example\r\n", 403),
    ])
    func `pages of other origins write only where the file names them`(_ fields: String, _ status: Int) async throws {
        try await withServer({ $0.policy.publishOrigins = ["https://page.example"] }) { router, port, _ in
            try router.register(.POST, "/w", writes: true, handler: echo)
            try router.register(.POST, "/r", handler: echo)
            let client = try RawConnection(port: port)
            try await client.send("POST /r HTTP/1.1\r\nHost: x:8080\r\n\(fields)Content-Length: 1\r\n\r\na")
            #expect(try await client.answer().status == 200, "what does not write is not concerned")
            try await client.send("POST /w HTTP/1.1\r\nHost: x:8080\r\n\(fields)Content-Length: 1\r\n\r\na")
            let answer = try await client.answer()
            #expect(answer.status == status)
            if status == 403 { #expect(answer.body.contains("http.publish_origins"), "\(answer)") }
        }
    }

    @Test func `a page that may write can ask beforehand and read the answer`() async throws {
        try await withServer({ $0.policy.publishOrigins = ["https://page.example"] }) { router, port, _ in
            try router.register(.POST, "/w", writes: true, handler: echo)
            let client = try RawConnection(port: port)
            let asking = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
            try await client.send("OPTIONS /w HTTP/1.1\r\nHost: x\r\nOrigin: https://page.example\r\n\(asking)\r\n")
            let preflight = try await client.answer()
            #expect(preflight.status == 204)
            #expect(preflight.headers["access-control-allow-origin"] == "https://page.example")
            #expect(preflight.headers["access-control-allow-headers"] == "content-type")
            #expect(preflight.headers["access-control-allow-methods"] == "OPTIONS, POST")
            try await client.send("POST /w HTTP/1.1\r\nHost: x\r\nOrigin: https://page.example\r\nContent-Length: 1\r\n\r\na")
            #expect(try await client.answer().headers["access-control-allow-origin"] == "https://page.example")
            try await client.send("OPTIONS /w HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\(asking)\r\n")
            #expect(try await client.answer().headers["access-control-allow-origin"] == nil)
            let page = ["-X", "POST", "-H", "Origin: https://page.example", "-D", "-", "-o", "/dev/null"]
            #expect(try await curl(port, "/w", page).contains("access-control-allow-origin: https://page.example"))
        }
    }

    // MARK: - Proxies

    @Test(arguments: [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.1.2.3\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1,10.1.2.3\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 10.1.2.3, 10.1.2.4\r\n", "10.1.2.3"),
        ("X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1"),
        ("X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7"),
        ("X-Forwarded-For: 192.0.2.1, unknown, 10.1.2.3\r\n", "10.1.2.3"),
        ("X-Forwarded-For: nonsense\r\n", "127.0.0.1"),
        ("Forwarded: for=192.0.2.1;proto=https\r\n", "192.0.2.1"),
        ("Forwarded: for=6.6.6.6, For=\"[2001:db8::7]:4711\";by=\"a,b;for=1.1.1.1\", for=10.9.9.9\r\n", "2001:db8::7"),
        ("Forwarded: for=_hidden\r\n", "127.0.0.1"),
        // What the client has left open does not hide what the proxy appends.
        ("Forwarded: for=\"6.6.6.6, for=192.0.2.1\r\n", "192.0.2.1"),
        ("Forwarded: for=\"6.6.6.6, for=\"[2001:db8::7]:4711\"\r\n", "2001:db8::7"),
        ("X-Forwarded-For: \u{600}, 192.0.2.1\r\n", "192.0.2.1"),
        ("Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        // One of the two was written by the client.
        ("Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1"),
    ])
    func `behind trusted proxies the client is the last hop that is none`(_ fields: String, _ client: String) async throws {
        #expect(try await Self.client(fields, [Self.network("7f000000", 8), Self.network("0a000000", 8)]) == client)
    }

    @Test func `a peer that is no trusted proxy is the client`() async throws {
        #expect(try await Self.client("X-Forwarded-For: 192.0.2.1\r\n", [Self.network("0a000000", 8)]) == "127.0.0.1")
        #expect(try await Self.client("X-Forwarded-For: 192.0.2.1\r\n", []) == "127.0.0.1")
        #expect(try await Self.client("X-Forwarded-For: 192.0.2.1\r\n", [Self.network("7f000000", 31)]) == "192.0.2.1")
        #expect(try await Self.client("X-Forwarded-For: 192.0.2.1\r\n", [Self.network("7f000000", 32)]) == "127.0.0.1")
    }

    private static func network(_ hex: String, _ prefix: Int) -> HTTPNetwork {
        let number = UInt32(hex, radix: 16) ?? 0
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        return HTTPNetwork(address: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes, prefix: 96 + prefix)
    }

    /// Whom the server takes for the client of a request with these fields.
    private static func client(_ fields: String, _ proxies: [HTTPNetwork]) async throws -> String {
        try await withServer({ $0.policy.trustedProxies = proxies }) { router, port, _ in
            try router.register(.GET, "/") { request, responder in
                responder.respond(HTTPResponse(.ok, body: ByteBuffer(string: request.remoteAddress?.ipAddress ?? "none")))
            }
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
            return try await client.answer().body
        }
    }
}
