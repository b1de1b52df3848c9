import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@Suite struct HTTPServerTLSTests {
    @Test func `requests and large answers go over TLS, and mutual TLS asks for a certificate`() async throws {
        let files = try await Certificates.make()
        let large = String(repeating: "x", count: 300_000)
        for isMutual in [false, true] {
            try await withServer({
                $0.tls = .init(
                    certificates: files.server, key: files.serverKey, clientAuthorities: isMutual ? files.authority : nil
                )
            }) { router, port, _ in
                try router.register(.GET, "/") { $1.respond(HTTPResponse(.ok, body: ByteBuffer(string: large))) }
                let url = "https://localhost:\(port)/"
                let common = ["-sS", "--cacert", files.authority, "-w", " %{http_version} %{http_code} %{num_connects}"]
                let own = isMutual ? ["--cert", files.client, "--key", files.clientKey] : []
                for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
                    try await ChildProcess.with("curl", common + own + [option, url, url]) { curl in
                        let ending = try await curl.untilEnded()
                        #expect(ending == .exited(0), "\(curl.standardError)")
                        #expect(curl.standardOutput == large + " \(version) 200 1" + large + " \(version) 200 0")
                    }
                }
                guard isMutual else { return }
                try await ChildProcess.with("curl", common + [url]) { curl in
                    let ending = try await curl.untilEnded()
                    #expect(ending != .exited(0))
                }
            }
        }
    }

    @Test func `a stream of HTTP 2 goes over TLS`() async throws {
        let files = try await Certificates.make()
        try await withServer({ $0.tls = .init(certificates: files.server, key: files.serverKey) }) { router, port, _ in
            try Filler(total: 500_000, endsItself: true).register(router, "/s")
            try await ChildProcess.with("curl", ["-sSN", "--cacert", files.authority, "https://localhost:\(port)/s"]) { curl in
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0), "\(curl.standardError)")
                #expect(curl.standardOutput.utf8.count == 500_006)
            }
        }
    }

    @Test func `a certificate is read again, and the old one stays when the new one is none`() async throws {
        let (old, new) = (try await Certificates.make(), try await Certificates.make())
        let directory = try TemporaryDirectory()
        let (certificate, key) = (directory.file("certificate.pem"), directory.file("key.pem"))
        func install(_ identity: Certificates) async throws {
            for (from, to) in [(identity.server, certificate), (identity.serverKey, key)] {
                #expect(try await ChildProcess("cp", [from, to]).untilEnded() == .exited(0))
            }
        }
        func isTrusted(_ identity: Certificates, _ port: Int) async throws -> Bool {
            let arguments = ["-sS", "--cacert", identity.authority, "https://localhost:\(port)/"]
            return try await ChildProcess.with("curl", arguments) { try await $0.untilEnded() == .exited(0) }
        }
        try await install(old)
        try await withServer({ $0.tls = .init(certificates: certificate, key: key) }) { router, port, server in
            try router.register(.GET, "/", handler: echo)
            #expect(try await isTrusted(old, port))
            try await install(new)
            #expect(try await isTrusted(old, port))
            let files = HTTPServerConfiguration.TLS(certificates: certificate, key: key)
            server.use(try HTTPServer.identity(of: files))
            #expect(try await !isTrusted(old, port))
            #expect(try await isTrusted(new, port))
            for (file, from, reason) in [
                (
                    "key.pem", old.serverKey,
                    "the key \(key) does not belong to the certificate \(certificate); use a matching pair"
                ),
                ("key.pem", old.server, "\(key) is not a PEM private key without a passphrase; make one with 'openssl pkey"),
                ("key.pem", "/dev/null", "\(key) is not a PEM private key without a passphrase; make one with 'openssl pkey"),
                ("certificate.pem", new.serverKey, "\(certificate) is not a PEM certificate; it must begin with '-----BEGIN"),
                ("certificate.pem", "/dev/null", "\(certificate) is not a PEM certificate; it must begin with '-----BEGIN"),
            ] {
                try await install(new)
                #expect(try await ChildProcess("cp", [from, directory.file(file)]).untilEnded() == .exited(0))
                let error = #expect(throws: HTTPServerError.self) { try HTTPServer.identity(of: files) }
                #expect(error.map { "\($0)" }?.hasPrefix(reason) == true, "\(error.map { "\($0)" } ?? "")")
                #expect(try await isTrusted(new, port))
            }
        }
    }

    @Test func `above the limit of connections both versions are answered 503`() async throws {
        let files = try await Certificates.make()
        try await withServer({
            $0.tls = .init(certificates: files.server, key: files.serverKey)
            $0.connections = 0
        }) { _, port, server in
            for option in ["--http2", "--http1.1"] {
                let arguments = [
                    "-sS", "--cacert", files.authority, option, "-w", " %{http_code}", "https://localhost:\(port)/",
                ]
                try await ChildProcess.with("curl", arguments) { curl in
                    let ending = try await curl.untilEnded()
                    #expect(ending == .exited(0), "\(curl.standardError)")
                    #expect(curl.standardOutput == #"{"error":"Too many connections"} 503"#)
                }
                try await eventually("the connection is closed") { server.connections == 0 }
            }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "p",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + String(repeating: "x", count: 200_000),
    ]) func `plain HTTP on a TLS port is answered 400 in plain HTTP`(_ request: String) async throws {
        let files = try await Certificates.make()
        let log = RecordedLog()
        try await withServer({ $0.tls = .init(certificates: files.server, key: files.serverKey) }, logger: log.logger("test")) {
            router, port, server in
            try router.register(.GET, "/", handler: echo)
            for _ in 0..<3 {
                let client = try RawConnection(port: port)
                try await client.send(request)
                let answer = try await client.answer()
                #expect(answer.status == 400 && answer.body == #"{"error":"This port speaks TLS; use https://"}"#)
                #expect(answer.headers["connection"] == "close")
                #expect(try await client.receiveToEnd().isEmpty)
            }
            let lines = log.lines.filter { $0.level == "warning" }
            #expect(lines.map(\.message) == ["Plain HTTP received on the TLS port"])
            #expect(lines.first?.metadata["address"] == "127.0.0.1")
            try await eventually("the connections are closed") { server.connections == 0 }
            // TLS goes on as before.
            try await ChildProcess.with("curl", ["-sS", "--cacert", files.authority, "https://localhost:\(port)/"]) { curl in
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0), "\(curl.standardError)")
                #expect(curl.standardOutput == "GET / [] ")
            }
        }
    }

    @Test func `a plain client that stays is closed at the deadline of the head`() async throws {
        let files = try await Certificates.make()
        try await withServer({
            $0.tls = .init(certificates: files.server, key: files.serverKey)
            $0.headTimeout = .milliseconds(500)
        }) { _, port, server in
            let client = try RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await client.answer().status == 400)
            try await eventually("the connection is closed") { server.connections == 0 }
            withExtendedLifetime(client) {}
        }
    }

    @Test func `files that are no identity are named`() async throws {
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: "127.0.0.1", port: 0), tls: .init(certificates: "/nowhere/a.pem", key: "/nowhere/b.pem")
            ), router: HTTPRouter(), group: MultiThreadedEventLoopGroup.singleton, logger: .init(label: "test")
        )
        let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
        #expect(error?.message == "the file /nowhere/a.pem cannot be read: No such file or directory")
    }

    @Test func `a unix socket is listened on, replaced when it was left behind, and removed`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("http.sock")
        for _ in 0..<2 {
            try await withServer({ $0.address = .unix(path: path) }) { router, _, _ in
                try router.register(.GET, "/a", handler: echo)
                try await ChildProcess.with("curl", ["-sS", "--unix-socket", path, "http://x/a"]) { curl in
                    let ending = try await curl.untilEnded()
                    #expect(ending == .exited(0), "\(curl.standardError)")
                    #expect(curl.standardOutput == "GET /a [] ")
                }
            }
            #expect(try await ChildProcess("test", ["-e", path]).untilEnded() == .exited(1))
        }
    }
}
