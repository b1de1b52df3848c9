import BridgeTesting
import FoundationEssentials
import Glibc
import NIOCore
import Testing

/// Expressions that end or overburden libjq, in the whole program: they cost their own event, and nothing else notices.
@Suite(.timeLimit(.minutes(5)))
struct ExpressionTests {
    /// Expressions with values that end libjq, take all memory, or never end, each with a body that has them do so.
    private static let hostile: [(expression: String, body: String)] = [
        (#"[.message | splits(" *")] | length > 0"#, #"{"message":"é"}"#),
        (#"[.message | scan("\\w*")] | length > 0"#, #"{"message":"é é"}"#),
        (#"[.message | match("";"g")] | length > 0"#, #"{"message":"é"}"#),
        (#"[.message | capture("(?<n>\\d*)";"g")] | length > 0"#, #"{"message":"é"}"#),
        (#".message[(.payload.v | tonumber):] != "x""#, #"{"message":"abc","v":"nan"}"#),
        (".payload.w[] |= . + 1 | true", #"{"message":"w","w":[\#((0..<120_000).map(String.init).joined(separator: ","))]}"#),
        ("[fromstream(.payload.v[])] | length > 0", #"{"message":"f","v":[[[0,900000000],1],[[0,900000000]]]}"#),
        ("[range(.payload.n)] | length > 0", #"{"message":"r","n":1e300}"#),
        ("last(repeat(.payload.n)) > 0", #"{"message":"l","n":2}"#),
        ("9223372036854775808 * -1 % .payload.n > 0", #"{"message":"m","n":-1}"#),
        (#"(.payload.n | strftime("%Y")) != """#, #"{"message":"t","n":1e300}"#),
        (#"(.message * .payload.n | length) > 0"#, #"{"message":"aaaa","n":1e9}"#),
    ]

    @Test func `no event ends or stalls the program through an expression`() async throws {
        let routes = Self.hostile.enumerated().map { index, hostile in
            "  - { name: h\(index), when: '\(hostile.expression.replacing("'", with: "''"))', to: [hit] }"
        }.joined(separator: "\n")
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello, max_body: 4MiB } }
            sinks:
              hit: { type: file, path: "{directory}/hit" }
              all: { type: file, path: "{directory}/all", body: "{{ .message }}" }
            routes:
            \(routes)
              - { to: [all] }
            """
        )
        let process = bridge.process.pid
        var ids: [String] = []
        for round in 0..<2 {
            for (_, body) in Self.hostile {
                let answer = try await bridge.post("/n/hello", ByteBuffer(string: body), type: "application/json")
                #expect(answer.status == 201)
                ids.append(answer.text)
                let plain = ByteBuffer(string: #"{"message":"plain \#(round)","v":"1","n":3,"w":[1]}"#)
                #expect(try await bridge.post("/n/hello", plain, type: "application/json").status == 201)
            }
        }
        try await eventually("every event has gone on by the plain route") {
            bridge.lines(of: "all").count == 4 * Self.hostile.count
        }
        #expect(bridge.process.pid == process && bridge.process.ended == nil)
        #expect(try await bridge.metric("streambridge_route_errors_total") >= Double(Self.hostile.count))
        #expect(try await bridge.metric("streambridge_expression_faults_total", "crash") >= 1)
        #expect(try await bridge.metric("streambridge_expression_faults_total", "time") >= 1)
        let failures = bridge.log.split(separator: "\n").filter { $0.contains("Expression failed") }
        #expect(!failures.isEmpty && failures.allSatisfy { $0.contains("event=msg_") && $0.contains("route=") })
        #expect(bridge.log.contains("Expression ended its worker"))
        #expect(Self.kilobytes("VmHWM", process) ?? 0 < 512 << 10, "the program itself holds nothing of it")
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `an MQTT message that ends libjq is acknowledged`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", subscribe: [{ topic: "#", qos: 1 }] } }
            sinks: { all: { type: file, path: "{directory}/all", body: "{{ .message }}" } }
            routes:
              - { name: words, when: '[.message | splits(" *")] | length > 0', to: [all], stop: true }
              - { to: [all] }
            """
        )
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish([ByteBuffer(string: "é"), ByteBuffer(string: "é"), ByteBuffer(string: "after")], on: "a")
        try await eventually("all have gone on") { bridge.lines(of: "all") == ["é", "é", "after"] }
        #expect(try await bridge.metric("streambridge_events_received_total") == 3, "none came twice")
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `no process is started for paths, matches and templates of paths`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks: { all: { type: file, path: "{directory}/all", body: "{{ .message }} {{ .payload.a }} {{ $subject }}" } }
            routes: [{ match: { payload.a: 1 }, set: { title: "{{ .payload.a }}" }, to: [all] }]
            """
        )
        let body = ByteBuffer(string: #"{"message":"m","a":1}"#)
        #expect(try await bridge.post("/n/hello", body, type: "application/json").status == 201)
        try await eventually("it arrives") { bridge.lines(of: "all").count == 1 }
        #expect(Self.children(of: bridge.process.pid).isEmpty)
        #expect(try await bridge.stop() == .exited(0))
    }

    private static let counting = """
        sources: { in: { type: webhook, id: hello } }
        sinks: { all: { type: file, path: "{directory}/all", body: "{{ .payload.a + 1 }}" } }
        routes: [{ when: ".payload.a >= 0", to: [all] }]
        """

    private static func post(_ number: Int, _ bridge: BridgeProcess) async throws {
        let body = ByteBuffer(string: #"{"message":"m","a":\#(number)}"#)
        #expect(try await bridge.post("/n/hello", body, type: "application/json").status == 201)
    }

    @Test func `killed workers are restarted, and no event is lost`() async throws {
        let bridge = try await BridgeProcess.start(Self.counting)
        for number in 0..<20 {
            try await Self.post(number, bridge)
            for worker in Self.children(of: bridge.process.pid) { kill(worker, SIGKILL) }
        }
        try await eventually("all have gone on") { bridge.lines(of: "all") == (1...20).map(String.init) }
        #expect(try await bridge.metric("streambridge_route_errors_total") == 0)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `no worker outlives the program`(signal: Int32) async throws {
        let bridge = try await BridgeProcess.start(Self.counting)
        try await Self.post(1, bridge)
        // From its first instruction on it takes no such signal, so it need not have got far.
        try await eventually("one more stands ready") { Self.children(of: bridge.process.pid).count >= 2 }
        let workers = Self.children(of: bridge.process.pid)
        // A terminal and systemd send them the signal too; they stay for what is left to do.
        if signal == SIGTERM { for worker in workers { kill(worker, SIGTERM) } }
        try await Self.post(2, bridge)
        #expect(Self.children(of: bridge.process.pid) == workers)
        bridge.process.signal(signal)
        _ = try await bridge.process.untilEnded()
        try await eventually("the workers have ended") { workers.allSatisfy { kill($0, 0) != 0 || Self.isZombie($0) } }
    }

    @Test func `a client's expression affects only that client`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks:
              demo: { type: sse, stream: demo, expressions: true }
              all: { type: file, path: "{directory}/all", body: "{{ .payload.n + 1 }}" }
            routes: [{ when: ".payload.n >= 0", to: [demo, all] }]
            """
        )
        let plain = try await bridge.stream("demo")
        let good = try await bridge.stream("demo?when=.payload.n%3E%3D0")
        var attackers: [SSEClientPeer] = []
        for text in [
            "last(repeat(.))", "[range(1e9)]|length", #"[.message|splits(" *")]|length>=0"#, #".message[("nan"|tonumber):]"#,
            "def f: 1+f; f", #""x"*1e9"#, "[limit(1e9;repeat(1))]", #"[.message|match("";"g")]|length"#,
        ] {
            // What fails for every event is refused, what fails for some is not.
            let refused = try await bridge.get("/api/stream/demo?when=" + Self.encoded(text))
            #expect(refused.status == 400 && refused.text.hasPrefix(#"{"error":"when: the evaluation "#), "\(refused.text)")
            let some = "if .payload.n == 3 then (\(text)) else false end"
            attackers.append(try await bridge.stream("demo?when=" + Self.encoded(some)))
        }
        for number in 0..<10 {
            let body = ByteBuffer(string: #"{"message":"é","n":\#(number)}"#)
            #expect(try await bridge.post("/n/hello", body, type: "application/json").status == 201)
        }
        try await eventually("all others have everything") {
            plain.messages.count == 10 && good.messages.count == 10 && bridge.lines(of: "all").count == 10
        }
        #expect(try await bridge.metric("streambridge_sse_filter_errors_total") >= 8)
        #expect(try await bridge.metric("streambridge_expression_faults_total", "client") >= 4)
        #expect(try await bridge.metric("streambridge_expression_faults_total", "file") == 0)
        #expect(try await bridge.metric("streambridge_route_errors_total") == 0)
        #expect(attackers.allSatisfy { $0.messages.isEmpty })
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: [
        "error", "error(.)", "error(.message)", ".message|tonumber", ".message|fromjson", "(.message|tojson)|error",
    ])
    func `a client's expression does not write an event into the log`(_ text: String) async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks: { demo: { type: sse, stream: demo, expressions: true } }
            routes: [{ to: demo }]
            """
        )
        let client = try await bridge.stream("demo?when=" + Self.encoded(text))
        let answer = try await bridge.post("/n/hello", ByteBuffer(string: "secret " + String(repeating: "secret", count: 2000)))
        #expect(answer.status == 201)
        try await eventually("it is logged") { bridge.log.contains("Client expression failed") }
        let line = try #require(bridge.log.split(separator: "\n").first { $0.contains("Client expression failed") })
        #expect(line.contains("warning demo: ") && line.contains(" count=1 ") && line.contains(" event=msg_"), "\(line)")
        #expect(line.contains(#"error="the expression raised an error for this event""#))
        #expect(!bridge.log.contains("secret"))
        #expect(line.utf8.count < 300)
        #expect(client.messages.isEmpty)
    }

    // MARK: Processes

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private static func children(of process: pid_t) -> Set<pid_t> {
        Set(
            TemporaryDirectory.names(in: "/proc/\(process)/task").flatMap { thread in
                String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/task/\(thread)/children"), as: UTF8.self)
                    .split(separator: " ").compactMap { pid_t($0) }
            })
    }

    private static func isZombie(_ process: pid_t) -> Bool {
        status(process).contains("State:\tZ")
    }

    private static func kilobytes(_ name: String, _ process: pid_t) -> Int? {
        self.status(process).split(separator: "\n").first { $0.hasPrefix(name + ":") }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    private static func status(_ process: pid_t) -> String {
        String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/status"), as: UTF8.self)
    }
}
