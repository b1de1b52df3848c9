import BridgeTesting
import NIOCore
import Testing

/// `streambridge explain`.
@Suite(.timeLimit(.minutes(1)))
struct ExplainCommandTests {
    private static let yaml = """
        http: { listen: 127.0.0.1:1 }
        sources:
          home: { type: mqtt, url: mqtt://no.such.host, subscribe: "home/#" }
          hook: { type: webhook, id: hello }
        sinks:
          out: { type: webhook, url: https://no.such.host/, token: a-secret-token }
        routes: [{ name: low, match: { payload.battery: { lt: 20 } }, to: out }]

        """

    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func run(_ options: String..., input: String? = nil) async throws -> (code: Int32, output: String, error: String) {
        let path = try self.directory.write(Self.yaml, to: "bridges.yaml")
        let body = try input.map { try self.directory.write($0, to: "body") }
        let process = try ChildProcess(BridgeProcess.executable, ["explain", path] + options, input: body ?? "/dev/null")
        guard case .exited(let code) = try await process.untilEnded() else { throw PeerError(process.standardError) }
        return (code, process.standardOutput, process.standardError)
    }

    @Test(arguments: [[], ["--format", "json"]])
    func `the secret parts of a sink's address are hidden`(options: [String]) async throws {
        let path = try self.directory.write(
            Self.yaml.replacing(
                "https://no.such.host/", with: "'https://no.such.host/services/T0AAAAAA/xyzzyxyzzyxyzzy?key=querysecret'"),
            to: "secret.yaml")
        let answer = try await BridgeProcess.command(
            ["explain", path, "--source", "home", "--topic", "home/door", "--body", #"{"battery":4}"#] + options)
        #expect(answer.code == 0 && answer.output.contains("https://no.such.host"), "\(answer.error)")
        #expect(!answer.output.contains("xyzzy") && !answer.output.contains("querysecret"), "\(answer.output)")
    }

    @Test func `a body of standard input is explained from its source to its sinks`() async throws {
        let (code, output, error) = try await self.run(
            "--source", "home", "--topic", "home/door", "--set", "retained=true", input: #"{"battery":4}"#)
        #expect(code == 0 && error.isEmpty, "\(error)")
        for line in [
            "source home", "  subject home/door", #"    {"battery":4}"#, "  attributes qos=1 retained=true", "routes",
            "  ✓ low → out", "sink out, webhook, by low", "  method: POST", "    Authorization: \"***\"",
        ] {
            #expect(output.split(separator: "\n").contains { $0 == line }, "\(line) in \(output)")
        }
        #expect(!output.contains("a-secret-token"))
    }

    @Test func `the condition that fails is shown with the value`() async throws {
        let (code, output, _) = try await self.run("--source", "hook", "--body", #"{"battery":90}"#)
        #expect(code == 0)
        #expect(output.contains("  ✗ low: payload.battery: { lt: 20 }: the event has 90\n"), "\(output)")
        #expect(output.hasSuffix("no sink gets it\n"), "\(output)")
    }

    @Test func `JSON has the same facts`() async throws {
        let (code, output, _) = try await self.run(
            "--source", "hook", "--header", "X-Title: Oven", "--body", "hot", "--format", "json")
        #expect(code == 0)
        #expect(output.hasPrefix(#"{"source":"hook","#), "\(output)")
        #expect(output.contains(#""title":"Oven""#), "\(output)")
    }

    @Test func `a message that does not arrive is refused with the reason`() async throws {
        let (code, output, error) = try await self.run("--source", "home", "--topic", "garden/door", "--body", "x")
        #expect(code == 1 && output.isEmpty)
        #expect(
            error
                == "the message does not arrive at home: the topic garden/door matches no filter of subscribe, which has home/#\n",
            "\(error)")
    }

    @Test(
        arguments: [
            (["--body", "x"], 64, "'source' is missing; there are home, hook"),
            (["--source", "hom"], 64, "no source is called 'hom'; did you mean 'home'?"),
            (["--source", "home", "--body", "x"], 64, "'topic' is missing"),
            (["--source", "home", "--method", "PUT"], 64, "unknown key 'method'"),
            (["--body", "x", "--body-file", "y"], 64, "use --body or --body-file, not both"),
            (["--source", "hook", "--body-file", "/no/where"], 1, "/no/where cannot be read: No such file or directory"),
            (["--at", "noon"], 64, "--at 'noon' is not a time with its offset; write one such as 2026-01-01T08:00:00+01:00"),
            (["--header", "X-Title"], 64, "--header 'X-Title' has no colon; write one such as 'X-Title: Door'"),
            (["--set", "retained"], 64, "--set 'retained' has no '='; write one such as retained=true"),
            (
                ["--id", "a", "--body", "x"], 64,
                "--id explains an event of the log; leave out --source, --body and the keys of a message"
            ),
            (["--id", "a"], 1, "has no log on disk, so no event can be found by its id; write log: {kind: sqlite}"),
        ] as [([String], Int32, String)])
    func `mistakes of options are said in words`(options: [String], code: Int32, reason: String) async throws {
        let path = try self.directory.write(Self.yaml, to: "bridges.yaml")
        let answer = try await BridgeProcess.command(["explain", path] + options)
        #expect(answer.code == code, "\(answer)")
        #expect(answer.error.contains(reason), "\(answer.error)")
    }

    @Test func `an event of the log is found by its id while the program runs`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ name: urgent, match: { priority: 5 }, to: out }, { name: all, to: out }]
            """)
        try await bridge.post("/n/hello", ByteBuffer(string: "hot"), headers: [("X-Title", "Oven")])
        try await eventually("the event is delivered") { !bridge.lines(of: "out").isEmpty }
        let line = bridge.lines(of: "out")[0]
        let id = try #require(line.split(separator: "\"").first { $0.hasPrefix("msg_") })
        let file = bridge.directory.file("bridges.yaml")
        let (code, output, error) = try await BridgeProcess.command("explain", file, "--id", String(id))
        #expect(code == 0, "\(error)")
        #expect(output.hasPrefix("→ event \(id)\n  title     Oven\n"), "\(output)")
        #expect(output.contains("  ✗ urgent: priority: 5: the event has none\n"), "\(output)")
        #expect(output.contains("  line: \(line)\n"), "\(output)")
        let missing = try await BridgeProcess.command("explain", file, "--id", "none")
        #expect(missing.code == 1)
        let log = bridge.directory.file("events.db")
        #expect(
            missing.error == "the log \(log) has no event 'none'; it may be older than log.retain keeps\n", "\(missing.error)")
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await BridgeProcess.command("explain", file, "--id", String(id)).output.contains("title     Oven"))
    }
}
