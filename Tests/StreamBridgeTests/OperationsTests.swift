import BridgeTesting
import Glibc
import NIOCore
import Testing

/// Who sees the pages of operations, and what the program says about requests.
@Suite(.timeLimit(.minutes(2)))
struct OperationsTests {
    private static let yaml = """
        sources:
          in: { type: webhook, id: hello }
          guarded: { type: webhook, id: guarded, token: its own }
          signed: { type: webhook, id: signed, signature: { secret: s3cret, header: X-Signature } }
        sinks:
          stream: { type: sse, stream: demo }
          own: { type: sse, stream: own, token: its own }
          out: { type: file, path: "{directory}/out" }
        routes:
          - { to: [stream, out] }
          - { to: [own], match: { subject: never } }
        """

    private typealias Header = (name: String, value: String)

    private static func get(_ path: String, _ port: Int, _ headers: [Header] = []) async throws -> HTTPRequestPeer.Answer {
        try await HTTPRequestPeer.send("GET", path, port: port, headers: headers)
    }

    /// Addresses of this machine that are not loopback, to which it can connect.
    private static func otherAddress() async throws -> String? {
        let process = try ChildProcess("hostname", ["-I"])
        _ = try await process.untilEnded()
        return process.standardOutput.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.contains(".") }
    }

    @Test func `on loopback everybody sees metrics and details, unless an admin setting forbids it`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        #expect(try await bridge.get("/readyz").text.contains(#""sink out":{"connected":true}"#))
        #expect(try await Self.get("/metrics", bridge.port, [("X-Forwarded-For", "203.0.113.1")]).status == 200)
        #expect(!bridge.process.standardError.contains("without credentials"))
    }

    @Test func `on an open listener only this machine sees them, and check warns`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml, host: "0.0.0.0")
        #expect(try await bridge.get("/readyz").text.contains(#""sink out":{"connected":true}"#))
        #expect(try await bridge.get("/metrics").status == 200)
        for header in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] {
            let forwarded = [(header, "for=203.0.113.1")]
            #expect(try await Self.get("/readyz", bridge.port, forwarded).text == #"{"status":"ready"}"#)
            #expect(try await Self.get("/metrics", bridge.port, forwarded).status == 403)
        }
        if let address = try await Self.otherAddress() {
            let curl = try ChildProcess(
                "curl", ["-sS", "http://\(address):\(bridge.port)/readyz", "http://\(address):\(bridge.port)/metrics"])
            #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError)")
            #expect(
                curl.standardOutput.hasPrefix(#"{"status":"ready"}{"error":"Only clients on the same machine"#),
                "\(curl.standardOutput)")
        }
        #expect(
            bridge.process.standardError.contains(
                "open to other machines: every client can use sources.in, sinks.stream without credentials; set http.access"),
            "\(bridge.process.standardError)")
        let checked = try await BridgeProcess.command("check", bridge.directory.file("bridges.yaml"))
        #expect(checked.code == 0)
        #expect(
            checked.error.contains("warning: http.listen: open to other machines: every client can use"), "\(checked.error)")
    }

    @Test(arguments: [
        "access: { tokens: [{ token: t, subscribe: ['#'] }] }", "listen: '127.0.0.2:0'", "listen: '[::1]:0'",
        "listen: 'localhost:0'",
    ])
    func `there is no warning where access is decided or nobody else can connect`(http: String) async throws {
        let directory = try TemporaryDirectory()
        let listen = http.hasPrefix("listen") ? "" : "listen: ':0', "
        let path = try directory.write(
            "http: { \(listen)\(http) }\n" + Self.yaml.replacing("{directory}", with: directory.path), to: "b.yaml")
        #expect(try await BridgeProcess.command("check", path).error.isEmpty)
    }

    @Test func `a token guards metrics and details on every listener`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml, http: "admin: { token: operators }")
        for (headers, status) in [
            ([], 401), ([("Authorization", "Bearer wrong")], 401), ([("Authorization", "Bearer operators")], 200),
        ]
            as [([Header], Int)]
        {
            #expect(try await Self.get("/metrics", bridge.port, headers).status == status)
            let readiness = try await Self.get("/readyz", bridge.port, headers)
            #expect(readiness.status == 200)
            #expect(readiness.text.contains("components") == (status == 200))
        }
        #expect(try await bridge.get("/livez").status == 200)
    }

    @Test func `a separate listener removes metrics and details from the public one`() async throws {
        let port = try LastingPort()
        let bridge = try await BridgeProcess.start(
            Self.yaml, host: "0.0.0.0", http: "admin: { listen: '127.0.0.1:\(port.number)' }")
        #expect(try await bridge.get("/metrics").status == 404)
        #expect(try await bridge.get("/readyz").text == #"{"status":"ready"}"#)
        #expect(try await bridge.get("/livez").status == 200)
        for (path, part) in [("/metrics", "streambridge_component_up"), ("/readyz", "sink out"), ("/livez", "alive")] {
            let answer = try await Self.get(path, port.number)
            #expect(answer.status == 200 && answer.text.contains(part), "\(path)")
        }
        for path in ["/n/hello", "/api/stream/demo", "/api/presence"] {
            #expect(try await Self.get(path, port.number).status == 404)
        }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: [
        ("admin: {}", "http.admin: is empty; set listen, token or both"),
        ("admin: { listen: here }", "http.admin.listen: 'here' is not an address"),
        ("admin: { token: '' }", "http.admin.token: the token is empty; write one or leave the key out"),
        ("listen: '127.0.0.1:8080', admin: { listen: ':8080' }", "http.admin: listen uses the port of http.listen"),
        ("admin: { port: 1 }", "http.admin: unknown key 'port'; did you mean 'listen'?"),
    ])
    func `invalid admin settings are refused`(http: String, message: String) async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("http: { \(http) }\n" + Self.yaml, to: "b.yaml")
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.code == 78)
        #expect(checked.error.contains(message), "\(checked.error)")
    }

    @Test func `an open admin listener without a token draws a warning`() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            "http: { admin: { listen: ':9090' } }\n" + Self.yaml.replacing("{directory}", with: directory.path), to: "b.yaml")
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.code == 0)
        #expect(
            checked.error.contains(
                "http.admin.listen: open to other machines: every client sees metrics and names of peers; set http.admin.token"
            ))
    }

    @Test func `refusals are counted by reason, and each reason is logged once per burst`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.yaml, http: "access: { tokens: [{ token: reader, subscribe: [other] }], anonymous: { publish: [nothing] } }")
        func bearer(_ token: String) -> [Header] { [("Authorization", "Bearer \(token)")] }
        let text = ByteBuffer(string: "x")
        for _ in 0..<3 {
            #expect(try await Self.get("/api/stream/demo", bridge.port).status == 401)
            #expect(try await Self.get("/api/stream/demo?access_token=secret", bridge.port, bearer("wrong")).status == 401)
            #expect(try await Self.get("/api/stream/demo", bridge.port, bearer("reader")).status == 403)
            #expect(try await bridge.post("/n/hello", text, headers: bearer("reader")).status == 403)
            #expect(try await Self.get("/api/stream/own", bridge.port).status == 401)
            #expect(try await bridge.post("/n/guarded", text).status == 401)
            #expect(try await bridge.post("/n/guarded", text, headers: bearer("wrong")).status == 401)
            #expect(try await bridge.post("/n/signed", text, headers: [("X-Signature", "sha256=00")]).status == 401)
        }
        for (reason, count) in [
            ("no_credentials", 9.0), ("unknown_credentials", 6), ("not_granted", 6), ("invalid_signature", 3),
            ("invalid_token", 0),
            ("hook_denied", 0), ("hook_failed", 0),
        ] {
            #expect(try await bridge.metric("streambridge_access_refusals_total", "reason=\"\(reason)\"") == count, "\(reason)")
        }
        let lines = bridge.process.standardError.split(separator: "\n").filter { $0.contains("access: Request refused") }
        #expect(lines.count == 4, "\(lines)")
        #expect(
            lines.contains {
                $0.contains("address=127.0.0.1") && $0.contains("path=/n/signed") && $0.contains("reason=invalid_signature")
            })
        #expect(!bridge.process.standardError.contains("secret"))
    }

    @Test func `at debug one can follow a webhook from its request to its sinks`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml, log: "{ level: debug }")
        let answer = try await bridge.post("/n/hello", ByteBuffer(string: "x"), headers: [("User-Agent", "GitHub-Hookshot/1")])
        let id = try #require(answer.text.split(separator: "\"").dropFirst(3).first.map(String.init))
        try await eventually("it is delivered") { bridge.process.standardError.contains("out: Event delivered event=\(id)") }
        let log = bridge.process.standardError
        let lines = log.split(separator: "\n")
        let request = try #require(lines.first { $0.contains("Request answered") && $0.contains("path=/n/hello") })
        for part in ["address=127.0.0.1", "method=POST", "path=/n/hello", "status=201", id, "agent=GitHub-Hookshot/1"] {
            #expect(request.contains(part), "\(request)")
        }
        #expect(lines.contains { $0.contains("in: Event routed event=\(id)") && $0.contains("sinks=\"stream, out\"") }, "\(log)")
        for (path, status) in [("/nowhere", 404), ("/n/guarded", 401), ("/n/hello?x", 405)] {
            #expect(try await (status == 405 ? Self.get(path, bridge.port) : bridge.post(path, ByteBuffer())).status == status)
            let wanted = path.split(separator: "?")[0]
            try await eventually("\(path) is reported") {
                bridge.process.standardError.split(separator: "\n").contains {
                    $0.contains("Request answered") && $0.contains("path=\(wanted)") && $0.contains("status=\(status)")
                }
            }
        }
    }

    @Test func `at info requests and events leave no line`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let before = bridge.process.standardError
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "x")).status == 201)
        #expect(try await Self.get("/nowhere", bridge.port).status == 404)
        try await eventually("it is delivered") { bridge.lines(of: "out").count == 1 }
        #expect(bridge.process.standardError == before)
    }
}
