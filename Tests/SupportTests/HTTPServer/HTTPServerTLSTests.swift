import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@Suite struct HTTPServerTLSTests {
    @Test func `requests and large answers go over TLS, and mutual TLS asks for a certificate`() async throws {
        let files = try await Identity.make()
        let large = String(repeating: "x", count: 300_000)
        for isMutual in [false, true] {
            try await withServer({
                $0.tls = .init(
                    certificates: files.certificate, key: files.key, clientAuthorities: isMutual ? files.certificate : nil
                )
            }) { router, port, _ in
                try router.register(.GET, "/") { $1.respond(HTTPResponse(.ok, body: ByteBuffer(string: large))) }
                let url = "https://localhost:\(port)/"
                let common = ["-sS", "--cacert", files.certificate, "-w", " %{http_version} %{http_code} %{num_connects}"]
                let own = isMutual ? ["--cert", files.certificate, "--key", files.key] : []
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
        let files = try await Identity.make()
        try await withServer({ $0.tls = .init(certificates: files.certificate, key: files.key) }) { router, port, _ in
            try Filler(total: 500_000, endsItself: true).register(router, "/s")
            try await ChildProcess.with("curl", ["-sSN", "--cacert", files.certificate, "https://localhost:\(port)/s"]) { curl in
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0), "\(curl.standardError)")
                #expect(curl.standardOutput.utf8.count == 500_006)
            }
        }
    }

    @Test func `a certificate is read again, and the old one stays when the new one is none`() async throws {
        let (old, new) = (try await Identity.make(), try await Identity.make())
        let directory = try TemporaryDirectory()
        let (certificate, key) = (directory.file("certificate.pem"), directory.file("key.pem"))
        func install(_ identity: Identity) async throws {
            for (from, to) in [(identity.certificate, certificate), (identity.key, key)] {
                #expect(try await ChildProcess("cp", [from, to]).untilEnded() == .exited(0))
            }
        }
        func isTrusted(_ identity: Identity, _ port: Int) async throws -> Bool {
            let arguments = ["-sS", "--cacert", identity.certificate, "https://localhost:\(port)/"]
            return try await ChildProcess.with("curl", arguments) { try await $0.untilEnded() == .exited(0) }
        }
        try await install(old)
        try await withServer({ $0.tls = .init(certificates: certificate, key: key) }) { router, port, server in
            try router.register(.GET, "/", handler: echo)
            #expect(try await isTrusted(old, port))
            try await install(new)
            #expect(try await isTrusted(old, port))
            try server.reloadIdentity()
            #expect(try await !isTrusted(old, port))
            #expect(try await isTrusted(new, port))
            _ = try directory.write("nothing", to: "key.pem")
            #expect(throws: HTTPServerError.self) { try server.reloadIdentity() }
            #expect(try await isTrusted(new, port))
        }
    }

    @Test func `above the limit of connections both versions are answered 503`() async throws {
        let files = try await Identity.make()
        try await withServer({
            $0.tls = .init(certificates: files.certificate, key: files.key)
            $0.connections = 0
        }) { _, port, server in
            for option in ["--http2", "--http1.1"] {
                let arguments = [
                    "-sS", "--cacert", files.certificate, option, "-w", " %{http_code}", "https://localhost:\(port)/",
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

    @Test func `files that are no identity are named`() async throws {
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: "127.0.0.1", port: 0), tls: .init(certificates: "/nowhere/a.pem", key: "/nowhere/b.pem")
            ), router: HTTPRouter(), group: MultiThreadedEventLoopGroup.singleton, logger: .init(label: "test")
        )
        let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
        #expect(error?.message == "the TLS certificate /nowhere/a.pem with the key /nowhere/b.pem cannot be used")
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

    /// A certificate for `localhost` that has signed itself.
    struct Identity {
        let certificate: String
        let key: String
        private let directory: TemporaryDirectory

        static func make() async throws -> Identity {
            let directory = try TemporaryDirectory()
            let identity = Identity(certificate: directory.file("cert.pem"), key: directory.file("key.pem"), directory: directory)
            let openssl = try ChildProcess(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", identity.key, "-out",
                    identity.certificate,
                ]
            )
            guard try await openssl.untilEnded() == .exited(0) else { throw PeerError(openssl.standardError) }
            return identity
        }
    }
}
