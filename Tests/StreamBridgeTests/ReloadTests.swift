import BridgeTesting
import Glibc
import NIOCore
import Testing

/// The file is loaded again while the program runs: only what has changed restarts, or nothing at all.
@Suite(.timeLimit(.minutes(2)))
struct ReloadTests {
    private static let yaml = """
        sources:
          in: { type: webhook, id: in }
        sinks:
          stream: { type: sse, stream: demo }
          out: { type: file, path: "{directory}/out" }
        routes:
          - { name: all, to: [stream, out] }

        """

    private static func post(_ bridge: BridgeProcess, _ texts: String..., to id: String = "in") async throws {
        for text in texts { #expect(try await bridge.post("/n/\(id)", ByteBuffer(string: text)).status == 201) }
    }

    @Test func `the answer and the log list what is added, changed, removed and kept`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        try await Self.post(bridge, "one")
        try bridge.rewrite(
            """
            # Comments and the order of keys do not count.
            sources:
              in: { id: in, type: webhook }
              more: { type: webhook, id: more }
            sinks:
              out: { type: file, path: "{directory}/out", format: raw }
              second: { type: sse, stream: second }
              stream: { type: sse, stream: demo }
            routes:
              - { name: all, to: [stream, out] }
              - { name: more, from: more, to: second }
            """)
        let answer = try await bridge.reload()
        #expect(answer.status == 200)
        #expect(
            answer.text == """
                {"added":["source more","sink second","route more"],"changed":["sink out"],"removed":[],\
                "kept":["source in","sink stream","route all","listener http"]}
                """)
        #expect(
            bridge.log.contains(
                "Configuration reloaded added=\"source more, sink second, route more\" cause=request changed=\"sink out\""),
            "\(bridge.log)")
        let second = try await bridge.stream("second")
        try await Self.post(bridge, "two")
        try await Self.post(bridge, "three", to: "more")
        try await eventually("all have come") { client.messages.count == 3 && second.messages.count == 1 }
        #expect(client.ending == nil)
        try await eventually("the changed sink writes raw bodies") { bridge.lines(of: "out").suffix(2) == ["two", "three"] }
        #expect(try await bridge.metric("streambridge_events_received_total", "component=\"in\"") == 2)
        #expect(try await bridge.metric("streambridge_config_reloads_total", "applied") == 1)
        try bridge.rewrite(Self.yaml)
        #expect(
            try await bridge.reload().text == """
                {"added":[],"changed":["sink out"],"removed":["source more","sink second","route more"],\
                "kept":["source in","sink stream","route all","listener http"]}
                """)
        try await eventually("the subscriber of the removed stream has left") { second.ending != nil }
        #expect(try await bridge.get("/api/stream/second").status == 404)
        #expect(try await bridge.post("/n/more", ByteBuffer(string: "gone")).status == 404)
        #expect(try await bridge.metric("streambridge_component_up", "component=\"second\"") == 0)
        #expect(try await !bridge.get("/metrics").text.contains("component=\"second\""))
        #expect(client.ending == nil)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a file with mistakes changes nothing and is answered with all of them`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        try bridge.rewrite(
            Self.yaml.replacing("type: file", with: "type: fill").replacing("to: [stream, out]", with: "to: [steam]"))
        let answer = try await bridge.reload()
        #expect(answer.status == 422)
        #expect(
            answer.text == """
                {"errors":[{"line":7,"column":16,"message":"no sink is called 'fill'; did you mean 'file'?","setting":"sinks.out.type"},\
                {"line":9,"column":23,"message":"no sink is called 'steam'; did you mean 'stream'?","setting":"routes[0].to[0]"}]}
                """, "\(answer.text)")
        bridge.process.signal(SIGHUP)
        try await eventually("the signal is answered in the log") {
            bridge.log.contains("Configuration not reloaded; the running one stays in use cause=signal errors=2")
        }
        #expect(bridge.log.contains("no sink is called 'steam'; did you mean 'stream'?"))
        try bridge.rewrite(Self.yaml + "  - [")
        #expect(try await bridge.reload().status == 422)
        try await Self.post(bridge, "still there")
        try await eventually("the event has come") { client.messages.count == 1 }
        #expect(client.ending == nil)
        #expect(try await bridge.metric("streambridge_config_reloads_total", "refused") == 3)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: [
        ("", ["state_dir": "/tmp"], "service.state_dir: cannot change while the program runs; restart to change it"),
        ("", ["name": "other"], "service.name: cannot change while the program runs; restart to change it"),
        ("max_connections: 99", [:], "http.max_connections: cannot change while the program runs; restart to change it"),
    ])
    func `what cannot change is refused, and so is the rest of the file`(http: String, service: [String: String], message: String)
        async throws
    {
        let bridge = try await BridgeProcess.start(Self.yaml)
        try bridge.rewrite(Self.yaml.replacing("stream: demo", with: "stream: other"), http: http, service: service)
        let answer = try await bridge.reload()
        #expect(answer.status == 422)
        #expect(answer.text == "{\"errors\":[{\"message\":\"\(message)\"}]}")
        #expect(try await bridge.stream("demo").ending == nil)
    }

    @Test func `a listener moves only if the new address is free, and its streams stay`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        let free = try LastingPort()
        let occupant = try TCPProxy(server: bridge.port)
        let renamed = Self.yaml.replacing("out: {", with: "new: {").replacing("[stream, out]", with: "[stream, new]")
        try bridge.rewrite(renamed, port: occupant.port)
        let refusal = try await bridge.reload()
        #expect(refusal.status == 422)
        #expect(
            refusal.text.contains(
                "the HTTP server cannot listen on 127.0.0.1:\(occupant.port): Address already in use"), "\(refusal.text)")
        try await Self.post(bridge, "by the old routes")
        try await eventually("the old sink has it") { bridge.lines(of: "out").count == 1 }
        withExtendedLifetime(occupant) {}
        try bridge.rewrite(Self.yaml, port: free.number)
        #expect(try await bridge.reload().text.contains("\"changed\":[\"listener http\"]"))
        let answer = try await HTTPRequestPeer.send("POST", "/n/in", port: free.number, body: ByteBuffer(string: "moved"))
        #expect(answer.status == 201)
        try await eventually("the stream of the old listener has it") { client.messages.count == 2 }
        #expect(client.ending == nil)
        await #expect(throws: PeerError.self) { try await bridge.get("/livez") }
        #expect(try await bridge.stop() == .exited(0))
        #expect(client.ending != nil)
    }

    @Test func `a revoked token ends its connections and no others`() async throws {
        func access(_ tokens: String) -> String { "access: { tokens: [\(tokens)] }" }
        let (first, second) = ("{ token: one, subscribe: ['#'], publish: ['#'] }", "{ token: two, subscribe: ['#'] }")
        let bridge = try await BridgeProcess.start(Self.yaml, http: access("\(first), \(second)"))
        func stream(_ token: String) async throws -> SSEClientPeer {
            try await bridge.stream("demo", headers: [("Authorization", "Bearer \(token)")])
        }
        let (kept, revoked) = (try await stream("one"), try await stream("two"))
        try bridge.rewrite(Self.yaml, http: access("\(first), { token: three, subscribe: ['#'] }"))
        #expect(try await bridge.reload().text.contains("\"changed\":[\"access\"]"))
        try await eventually("the connection of the revoked token ends") { revoked.ending != nil }
        let refused = try await SSEClientPeer.connect(
            port: bridge.port, path: "/api/stream/demo", headers: [("Authorization", "Bearer two")])
        #expect(refused.status == 401)
        let third = try await stream("three")
        let headers = [(name: "Authorization", value: "Bearer one")]
        #expect(try await bridge.post("/n/in", ByteBuffer(string: "a"), headers: headers).status == 201)
        try await eventually("the others have it") { kept.messages.count == 1 && third.messages.count == 1 }
        #expect(kept.ending == nil)
        #expect(try await bridge.metric("streambridge_sse_connections_closed_total", "reason=\"revoked\"") == 1)
    }

    @Test func `access rules that are added close what was open, and open it again when they are removed`() async throws {
        let yaml = Self.yaml.replacing("stream: demo", with: "stream: demo, presence: true")
            .replacing("sinks:", with: "sinks:\n  own: { type: sse, stream: own, token: stream-token }")
            .replacing("to: [stream, out]", with: "to: [stream, out, own]")
        let access = "access: { tokens: [{ token: one, subscribe: ['#', '$presence/#'], publish: ['#'] }] }"
        let token = [(name: "Authorization", value: "Bearer one")]
        let bridge = try await BridgeProcess.start(yaml)
        func status(_ path: String, _ headers: [(name: String, value: String)] = []) async throws -> Int? {
            try await SSEClientPeer.connect(port: bridge.port, path: path, headers: headers).status
        }
        func presence(_ headers: [(name: String, value: String)] = []) async throws -> [Int?] {
            [
                try await HTTPRequestPeer.send("GET", "/api/presence", port: bridge.port, headers: headers).status,
                try await status("/api/stream/$presence/demo", headers),
            ]
        }
        let open = try await bridge.stream("demo")
        let own = try await bridge.stream("own", headers: [("Authorization", "Bearer stream-token")])
        #expect(try await presence() == [404, 404])
        try bridge.rewrite(yaml, http: access)
        #expect(try await bridge.reload().text.hasPrefix("{\"added\":[\"access\"],\"changed\":[],\"removed\":[]"))
        try await eventually("the open stream ends") { open.ending != nil }
        #expect(try await status("/api/stream/demo") == 401)
        #expect(try await bridge.post("/n/in", ByteBuffer(string: "a")).status == 401)
        #expect(try await presence() == [401, 401])
        #expect(try await presence(token) == [200, 200])
        let admitted = try await bridge.stream("demo", headers: token)
        #expect(try await bridge.post("/n/in", ByteBuffer(string: "b"), headers: token).status == 201)
        try await eventually("it arrives") { admitted.messages.count == 1 && own.messages.count == 1 }
        #expect(own.ending == nil)
        try bridge.rewrite(yaml)
        #expect(try await bridge.reload().text.contains("\"removed\":[\"access\"]"))
        try await eventually("the entry that admitted it is gone") { admitted.ending != nil }
        #expect(try await presence(token) == [404, 404])
        let again = try await bridge.stream("demo")
        try await Self.post(bridge, "c")
        try await eventually("all are served") { again.messages.count == 1 && own.messages.count == 2 }
        #expect(own.ending == nil)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `TLS is added and removed for new connections, and streams stay`() async throws {
        let certificates = try await Certificates.make()
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        let tls = "tls: { cert_file: \(certificates.server), key_file: \(certificates.serverKey) }"
        try bridge.rewrite(Self.yaml, http: tls)
        #expect(try await bridge.reload().text.contains("\"changed\":[\"listener http\"]"))
        let curl = try ChildProcess(
            "curl", ["-sS", "--cacert", certificates.authority, "-d", "text", "https://localhost:\(bridge.port)/n/in"])
        #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError)")
        try await eventually("the stream of the time before has it") { client.messages.count == 1 }
        #expect(try await bridge.get("/livez").status == 400)
        try bridge.rewrite(Self.yaml)
        bridge.process.signal(SIGHUP)
        try await eventually("new connections are plain") { try await bridge.get("/livez").status == 200 }
        #expect(bridge.log.contains("TLS removed; new connections are not encrypted"))
        try await Self.post(bridge, "more")
        try await eventually("the stream has it too") { client.messages.count == 2 }
        #expect(client.ending == nil)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `subscribers of a changed stream resume without a gap`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        try await Self.post(bridge, "one", "two")
        try await eventually("both have come") { client.messages.count == 2 }
        try bridge.rewrite(Self.yaml.replacing("stream: demo", with: "stream: demo, heartbeat: 20s"))
        #expect(try await bridge.reload().text.contains("\"changed\":[\"sink stream\"]"))
        try await eventually("the stream ends") { client.ending != nil }
        try await Self.post(bridge, "three")
        let resumed = try await bridge.stream("demo", headers: [("Last-Event-ID", client.messages[0].id)])
        try await eventually("it continues") { resumed.messages.count == 2 }
        #expect(resumed.messages.map { $0.data.contains("two") } == [true, false])
        #expect(!resumed.events.contains { $0.type == "gap" })
    }

    @Test(arguments: [false, true])
    func `the backlog of a removed sink is dropped from memory and kept on disk`(isOnDisk: Bool) async throws {
        let log = isOnDisk ? "log: { kind: sqlite, path: \"{directory}/events.db\" }\n" : ""
        let redis = try await BrokerProcess.redis()
        try await redis.kill()
        let away = "  away: { type: redis-stream, url: \"redis://127.0.0.1:\(redis.port)\", stream: s, required: false }\n"
        let without = log + Self.yaml.replacing("id: in", with: "id: in, ack: received")
        let with = without.replacing("routes:", with: away + "routes:").replacing("[stream, out]", with: "[stream, away]")
        let bridge = try await BridgeProcess.start(with)
        try await Self.post(bridge, "one", "two", "three")
        try bridge.rewrite(without)
        #expect(try await bridge.reload().status == 200)
        let line =
            isOnDisk
            ? "Log holds events for a sink that was removed from the file; they and all later events stay until they exceed retain.age"
            : "Pending events of a removed sink dropped; a log on disk would keep them"
        try await eventually("that is in the log") { bridge.log.contains("\(line) events=3 sink=away") }
        try await Self.post(bridge, "not for it")
        try bridge.rewrite(with)
        #expect(try await bridge.reload().text.contains("\"added\":[\"sink away\"]"))
        try await Self.post(bridge, "four")
        try await redis.restart()
        let peer = try await RedisPeer.connect(port: redis.port)
        let expected = isOnDisk ? 4 : 1
        try await eventually(within: .seconds(20), "what is kept is delivered") {
            try await peer.entries(of: "s").count >= expected
        }
        #expect(try await peer.entries(of: "s").count == expected)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `two webhooks swap their paths, and no request is answered 404`() async throws {
        let yaml = """
            sources:
              one: { type: webhook, id: a }
              two: { type: webhook, id: b }
            sinks: { out: { type: file, path: "{directory}/out", format: raw } }
            routes: [{ to: out }]

            """
        let bridge = try await BridgeProcess.start(yaml.replacing("format: raw", with: "body: \"{{ $source }} {{ .message }}\""))
        try bridge.rewrite(
            yaml.replacing("format: raw", with: "body: \"{{ $source }} {{ .message }}\"").replacing("id: a", with: "id: x")
                .replacing("id: b", with: "id: a")
                .replacing("id: x", with: "id: b"))
        let answer = try await bridge.reload()
        #expect(answer.text.contains("\"changed\":[\"source one\",\"source two\"]"), "\(answer.text)")
        for id in ["a", "b"] {
            try await eventually("the path is open") { try await bridge.post("/n/\(id)", ByteBuffer(string: id)).status == 201 }
        }
        try await eventually("both have come") { bridge.lines(of: "out").count == 2 }
        #expect(Set(bridge.lines(of: "out")) == ["two a", "one b"])
    }

    @Test func `a route that chooses other settings of a sink restarts it`() async throws {
        func yaml(_ body: String) -> String {
            Self.yaml.replacing(
                "to: [stream, out]", with: "to: [{ sink: out, with: { body: \"\(body) {{ .message }}\" } }, stream]")
        }
        let bridge = try await BridgeProcess.start(yaml("a"))
        try await Self.post(bridge, "1")
        try bridge.rewrite(yaml("b"))
        #expect(try await bridge.reload().text.contains("\"changed\":[\"sink out\",\"route all\"]"))
        try await Self.post(bridge, "2")
        try bridge.rewrite(yaml("a"))
        #expect(try await bridge.reload().text.contains("\"changed\":[\"sink out\",\"route all\"]"))
        try await Self.post(bridge, "3")
        try await eventually("all are written") { bridge.lines(of: "out") == ["a 1", "b 2", "a 3"] }
    }

    @Test func `the state of a route's tools survives while the route is the same`() async throws {
        let yaml = Self.yaml.replacing("to: [stream, out]", with: "throttle: { per: 1h, max: 2 }, to: [stream, out]")
        let bridge = try await BridgeProcess.start(yaml)
        try await Self.post(bridge, "one")
        try bridge.rewrite(
            yaml.replacing("routes:\n", with: "routes:\n  - { match: { subject: never }, to: out }\n"))
        #expect(try await bridge.reload().text.contains("\"added\":[\"route route-1\"]"))
        try await Self.post(bridge, "two", "three")
        try await eventually("the third is dropped") {
            try await bridge.metric("streambridge_route_events_dropped_total", "throttle") == 1
        }
        #expect(bridge.lines(of: "out").count == 2)
    }

    @Test func `a watched file is loaded when it, a link to it or a secret in it changes`() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("first", to: "secret")
        let yaml = Self.yaml.replacing("id: in", with: "id: in, token: \"${file:\(directory.file("secret"))}\"")
        let bridge = try await BridgeProcess.start(yaml, arguments: ["--watch"])
        func status(_ token: String) async throws -> Int {
            try await bridge.post("/n/in", ByteBuffer(string: "x"), headers: [("Authorization", "Bearer \(token)")]).status
        }
        #expect(try await status("first") == 201)
        try directory.write("second", to: "secret.new")
        rename(directory.file("secret.new"), directory.file("secret"))
        try await eventually("the secret is another one") { try await status("second") == 201 }
        #expect(try await status("first") == 401)
        // As a volume of Kubernetes: a link to a directory is replaced.
        let path = bridge.directory.file("bridges.yaml")
        let text = String(decoding: bridge.directory.read("bridges.yaml"), as: UTF8.self)
        for (version, stream) in [("v1", "linked"), ("v2", "swapped")] {
            mkdir(bridge.directory.file(version), 0o755)
            try bridge.directory.write(text.replacing("stream: demo", with: "stream: \(stream)"), to: "\(version)/bridges.yaml")
        }
        symlink("v1", bridge.directory.file("data"))
        symlink("data/bridges.yaml", bridge.directory.file("link"))
        rename(bridge.directory.file("link"), path)
        func isServed(_ stream: String) async throws -> Bool {
            try await SSEClientPeer.connect(port: bridge.port, path: "/api/stream/\(stream)").status == 200
        }
        try await eventually("the link is followed") { try await isServed("linked") }
        symlink("v2", bridge.directory.file("data.new"))
        rename(bridge.directory.file("data.new"), bridge.directory.file("data"))
        try await eventually("the other directory is read") { try await isServed("swapped") }
        #expect(bridge.log.contains("cause=file"))
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a mistake in an included file is answered with the file`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        mkdir(bridge.directory.file("conf.d"), 0o755)
        try bridge.directory.write("sinks: { more: { type: fill } }\n", to: "conf.d/more.yaml")
        try bridge.rewrite("include: conf.d\n" + Self.yaml.replacing("to: [stream, out]", with: "to: [steam]"))
        let answer = try await bridge.reload()
        #expect(answer.status == 422)
        #expect(
            answer.text == """
                {"errors":[{"line":10,"column":23,"message":"no sink is called 'steam'; did you mean 'stream'?","setting":"routes[0].to[0]"},\
                {"file":"\(bridge.directory.file("conf.d/more.yaml"))","line":1,"column":24,\
                "message":"no sink is called 'fill'; did you mean 'file'?","setting":"sinks.more.type"}]}
                """, "\(answer.text)")
    }

    @Test func `the first file that appears in an included folder is loaded`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml, arguments: ["--watch"])
        mkdir(bridge.directory.file("conf.d"), 0o755)
        try bridge.rewrite("include: [conf.d, later/*/*.yaml]\n" + Self.yaml)
        try await eventually("the folder is watched") { bridge.log.contains("cause=file") }
        func isServed(_ stream: String) async throws -> Bool {
            try await SSEClientPeer.connect(port: bridge.port, path: "/api/stream/\(stream)").status == 200
        }
        func file(_ name: String) -> String {
            "sinks: { \(name): { type: sse, stream: \(name) } }\nroutes: [{ from: in, to: \(name) }]\n"
        }
        try bridge.directory.write(file("first"), to: "conf.d/first.yaml")
        try await eventually("the first file is loaded") { try await isServed("first") }
        // A pattern whose folders do not exist yet.
        mkdir(bridge.directory.file("later"), 0o755)
        mkdir(bridge.directory.file("later/home"), 0o755)
        try await eventually("the folders of the pattern are watched") {
            try await bridge.metric("streambridge_config_reloads_total", "applied") >= 3
        }
        try bridge.directory.write(file("second"), to: "later/home/second.yaml")
        try await eventually("the file of the pattern is loaded") { try await isServed("second") }
        #expect(try await bridge.stop() == .exited(0))
    }
}
