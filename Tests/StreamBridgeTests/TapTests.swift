import BridgeCore
import BridgeTesting
import NIOCore
import Testing

/// `GET /api/tap` and `streambridge tap`: live events of the running program.
@Suite(.timeLimit(.minutes(2)))
struct TapTests {
    private static let yaml = """
        sources:
          in: { type: webhook, id: hello }
          other: { type: webhook, id: other }
        sinks:
          out: { type: file, path: "{directory}/out" }
          quiet: { type: file, path: "{directory}/quiet" }
        routes:
          - { name: urgent, match: { priority: { gte: 4 } }, set: { title: "! {{ .title }}" }, to: out }
          - { name: all, to: quiet }
        """

    /// Starts the command and waits until it watches.
    private func tap(_ bridge: BridgeProcess, _ options: String...) async throws -> ChildProcess {
        let tap = try ChildProcess(
            BridgeProcess.executable, ["tap", "--url", "http://127.0.0.1:\(bridge.port)"] + options)
        try await eventually("the tap is open: \(tap.standardError)") {
            if let ending = tap.ended { throw PeerError("it ended with \(ending): \(tap.standardError)") }
            return (tap.standardError + tap.standardOutput).contains("0")
        }
        return tap
    }

    private func post(_ bridge: BridgeProcess, _ id: String, _ title: String, priority: Int) async throws {
        try await bridge.post(
            "/n/\(id)", ByteBuffer(string: "hot"), headers: [("X-Title", title), ("X-Priority", "\(priority)")])
    }

    @Test func `events are shown at a source, a route and a sink`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let all = try await self.tap(bridge, "--count", "2")
        let source = try await self.tap(bridge, "--source", "other", "--count", "1")
        let route = try await self.tap(bridge, "--route", "urgent", "--count", "1", "--format", "ndjson")
        let sink = try await self.tap(bridge, "--sink", "quiet", "--where", ".title == \"Door\"", "--count", "1")
        try await self.post(bridge, "hello", "Oven", priority: 5)
        try await self.post(bridge, "other", "Door", priority: 2)
        for tap in [all, source, route, sink] { #expect(try await tap.untilEnded() == .exited(0), "\(tap.standardError)") }
        // Each line begins with the time of the day.
        func lines(_ tap: ChildProcess) -> [String] {
            tap.standardOutput.split(separator: "\n").map { String($0.drop { $0 != " " }.dropFirst()) }
        }
        #expect(lines(all) == ["in hello [5] Oven — hot", "other other [2] Door — hot"])
        #expect(lines(source) == ["other other [2] Door — hot"])
        #expect(lines(sink) == ["other other by all [2] Door — hot"])
        let json = route.standardOutput.split(separator: "\n").map(String.init)
        #expect(json.count == 2 && json[0] == #"{"status":{"events":0,"dropped":0}}"#, "\(json)")
        #expect(json[1].contains(#""source":"in","route":"urgent","subject":"hello""#), "\(json)")
        #expect(json[1].contains(#""title":"! Oven""#), "\(json)")
    }

    @Test func `a condition with a mistake, or a name that is unknown, is refused with the remedy`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let url = "http://127.0.0.1:\(bridge.port)"
        for (options, code, reason) in [
            (["--where", ".title ="], 64, "--where: "),
            (["--source", "a", "--sink", "b"], 64, "use one of --source, --route and --sink"),
            (["--count", "0"], 64, "--count must be 1 or more"),
            (["--source", "inn"], 1, "\(url)/api/tap?source=inn: 404 Not Found: No source is called 'inn'; did you mean 'in'?"),
            (["--route", "a b"], 1, "\(url)/api/tap?route=a%20b: 404 Not Found: No route is called 'a b'"),
        ] as [([String], Int32, String)] {
            let answer = try await BridgeProcess.command(["tap", "--url", url] + options)
            #expect(answer.code == code && answer.error.contains(reason), "\(answer)")
        }
        let nobody = try await BridgeProcess.command("tap", "--url", "http://127.0.0.1:1")
        #expect(nobody.code == 1 && nobody.error.hasPrefix("http://127.0.0.1:1/api/tap: "), "\(nobody)")
        #expect(try await bridge.get("/api/tap?source=in&sink=out").status == 400)
    }

    @Test func `only operators watch`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml, http: "admin: { token: operators }")
        let url = "http://127.0.0.1:\(bridge.port)"
        #expect(try await bridge.get("/api/tap").status == 401)
        let refused = try await BridgeProcess.command("tap", "--url", url, "--token", "wrong")
        #expect(refused.code == 1 && refused.error.contains(": 401 Unauthorized"), "\(refused)")
        // The file has the address and the token.
        let tap = try ChildProcess(
            BridgeProcess.executable, ["tap", bridge.directory.file("bridges.yaml"), "--count", "1"])
        try await eventually("the tap is open") { tap.standardError.contains("#") }
        try await self.post(bridge, "hello", "Oven", priority: 5)
        #expect(try await tap.untilEnded() == .exited(0), "\(tap.standardError)")
        let open = try await BridgeProcess.start(Self.yaml, host: "0.0.0.0")
        let answer = try await HTTPRequestPeer.send(
            "GET", "/api/tap", port: open.port, headers: [("X-Forwarded-For", "203.0.113.1")])
        #expect(answer.status == 403)
    }

    @Test func `there is a limit of taps, and a tap that ends makes room`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        var taps: [ChildProcess] = []
        for _ in 0..<EventTaps.most { taps.append(try await self.tap(bridge)) }
        let answer = try await bridge.get("/api/tap")
        #expect(answer.status == 429)
        #expect(answer.text == #"{"error":"8 taps are open already; end one of them"}"#)
        taps[0].kill()
        _ = try await taps[0].untilEnded()
        try await eventually("there is room again") {
            let tap = try ChildProcess(
                BridgeProcess.executable, ["tap", "--url", "http://127.0.0.1:\(bridge.port)", "--format", "ndjson"])
            try await eventually("it is open or refused") { tap.ended != nil || !tap.standardOutput.isEmpty }
            return tap.ended == nil
        }
    }

    @Test func `a reader that does not read delays nobody`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        // What the sockets and the tap hold is less than what comes.
        let client = try RawConnection(port: bridge.port)
        try await client.send("GET /api/tap HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await client.receive(through: #""dropped":0}}"#)
        let body = ByteBuffer(string: #"{"a":"\#(String(repeating: "a", count: 512 << 10))"}"#)
        for _ in 0..<60 { #expect(try await bridge.post("/n/hello", body, type: "application/json").status == 201) }
        #expect(try await bridge.metric("streambridge_events_sent_total", "quiet") == 60)
        _ = try await client.receive(through: #"{"status":{"events":60,"dropped":"#)
        let dropped = try await client.receive(through: "}}")
        #expect(dropped != "0}}")
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a tap ends with the program`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let tap = try await self.tap(bridge)
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await tap.untilEnded() == .exited(1))
        #expect(tap.standardError.contains("the program ended the tap"), "\(tap.standardError)")
        #expect(!bridge.log.contains("Closing HTTP connections at the shutdown deadline"), "\(bridge.log)")
    }
}
