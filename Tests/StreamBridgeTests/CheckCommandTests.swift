import BridgeConfiguration
import BridgeTesting
import FoundationEssentials
import Glibc
import Testing

/// `check` for programs, and the commands that show the file.
@Suite(.timeLimit(.minutes(1)))
struct CheckCommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private static let correct = """
        sources: { in: { type: webhook, id: hello, token: "hunter2hunter2" } }
        sinks: { out: { type: file, path: /dev/null } }
        routes: [{ to: out }]

        """
    private static let doubtful = Self.correct.replacing("path: /dev/null", with: "path: /no/where/out")
    private static let wrong = Self.correct.replacing("id: hello", with: "id: hello, tokn: x")

    private func check(_ text: String, _ options: String...) async throws -> (code: Int32, output: String, error: String) {
        let path = try self.directory.write(text, to: "b c.yaml")
        return try await BridgeProcess.command(["check", path] + options)
    }

    private struct Finding: Decodable, Equatable {
        let file: String, line: Int, column: Int, severity: String, rule: String, path: String?, message: String, hint: String?
    }

    @Test func `strict fails on warnings`() async throws {
        let found = try await self.check(Self.doubtful, "--strict")
        #expect(found.code == 78 && found.output.isEmpty)
        let lines = found.error.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines[0].hasSuffix(
                ":2:35: warning: sinks.out.path: the file /no/where/out cannot be created in /no/where: No such file or directory; create the directory, or name another one"
            ))
        #expect(lines[1].hasSuffix("/b c.yaml: 1 warning, which --strict refuses"))
        let correct = try await self.check(Self.correct, "--strict")
        #expect(correct.code == 0 && correct.error.isEmpty)
        #expect(correct.output.hasSuffix("/b c.yaml: correct; 1 source, 1 route, 1 sink\n"))
    }

    @Test(arguments: [(Self.correct, Int32(0), 0), (Self.doubtful, 0, 1), (Self.wrong, 78, 1)])
    func `JSON lists what was found on standard output`(text: String, code: Int32, count: Int) async throws {
        let found = try await self.check(text, "--format", "json")
        #expect(found.code == code && found.error.isEmpty)
        let findings = try JSONDecoder().decode([Finding].self, from: Data(found.output.utf8))
        #expect(findings.count == count)
        guard text == Self.wrong, let finding = findings.first else { return }
        #expect(
            finding
                == Finding(
                    file: self.directory.file("b c.yaml"), line: 1, column: 44, severity: "error", rule: "unknown-key",
                    path: "sources.in", message: "unknown key 'tokn'; did you mean 'token'?", hint: "did you mean 'token'?"))
    }

    @Test func `a file that cannot be read is a finding of the file`() async throws {
        let found = try await BridgeProcess.command("check", self.directory.file("none.yaml"), "--format", "json")
        #expect(found.code == 78 && found.error.isEmpty)
        let findings = try JSONDecoder().decode([Finding].self, from: Data(found.output.utf8))
        #expect(findings.map(\.rule) == ["file"] && findings.map(\.line) == [1])
        #expect(findings.map(\.message) == ["No such file or directory"])
        _ = try self.directory.write(Self.correct, to: "none.yml")
        let (code, _, error) = try await BridgeProcess.command("check", self.directory.file("none.yaml"))
        #expect(code == 78)
        #expect(
            error.hasSuffix(": error: No such file or directory; did you mean '\(self.directory.file("none.yml"))'?\n"),
            "\(error)")
    }

    @Test func `a file without an end and one that is no text are refused`() async throws {
        let endless = try await self.check(Self.correct.replacing("hunter2hunter2", with: "${file:/dev/zero}"))
        #expect(endless.code == 78)
        #expect(
            endless.error.hasSuffix(
                "sources.in.token: the file /dev/zero cannot be read: it is larger than 1 MiB; put it there, or name another one\n"
            ), "\(endless.error)")
        let binary = try self.directory.write("a\u{0}\u{FF}", to: "binary.yaml")
        let (code, _, error) = try await BridgeProcess.command("check", binary)
        #expect(code == 78 && !error.isEmpty)
        let zero = try await BridgeProcess.command("check", "/dev/zero")
        #expect(zero.code == 78)
        #expect(zero.error.hasSuffix("error: it is larger than 16 MiB\n"), "\(zero.error)")
    }

    @Test func `a named pipe among included files is refused and not waited for`() async throws {
        #expect(mkfifo(self.directory.file("pipe.yaml"), 0o600) == 0)
        let found = try await self.check(Self.correct + "include: [\(self.directory.file("pipe.yaml"))]\n")
        #expect(found.code == 78)
        #expect(
            found.error.contains("it is no regular file; name another one, or move it out of the folder"), "\(found.error)")
    }

    @Test(arguments: [
        (["chek", "a.yaml"], "there is no command 'chek'; did you mean 'check'?"),
        (["validate", "a.yaml"], "there is no command 'validate'; use check"),
        (["bridges.yaml"], "there is no command 'bridges.yaml'; write run bridges.yaml"),
        (["version"], "there is no command 'version'; use --version"),
    ])
    func `an unknown command is refused with the one that is meant`(arguments: [String], message: String) async throws {
        let (code, output, error) = try await BridgeProcess.command(arguments)
        #expect(code == 64 && output.isEmpty && error == "Error: \(message)\n")
    }

    @Test func `a command that reads no standard input says so`() async throws {
        let (code, _, error) = try await BridgeProcess.command("run", "-")
        #expect(code == 78)
        #expect(error.contains("this command does not read standard input; name a file"), "\(error)")
    }

    private struct Log: Decodable {
        struct Run: Decodable {
            struct Tool: Decodable {
                struct Driver: Decodable {
                    struct Rule: Decodable { let id: String }
                    let name: String, rules: [Rule]
                }
                let driver: Driver
            }
            struct Result: Decodable {
                struct Message: Decodable { let text: String }
                struct Location: Decodable {
                    struct Physical: Decodable {
                        struct Artifact: Decodable { let uri: String }
                        struct Region: Decodable { let startLine: Int, startColumn: Int }
                        let artifactLocation: Artifact, region: Region?
                    }
                    let physicalLocation: Physical
                }
                let ruleId: String, ruleIndex: Int, level: String, message: Message, locations: [Location]
            }
            let tool: Tool, results: [Result], columnKind: String
        }
        let version: String, runs: [Run]
    }

    @Test func `SARIF has the rules and the regions`() async throws {
        let found = try await self.check(Self.wrong.replacing("/dev/null", with: "[a]"), "--format", "sarif")
        #expect(found.code == 78 && found.error.isEmpty)
        let log = try JSONDecoder().decode(Log.self, from: Data(found.output.utf8))
        #expect(log.version == "2.1.0" && log.runs.count == 1)
        let run = try #require(log.runs.first)
        #expect(run.columnKind == "unicodeCodePoints" && run.tool.driver.name == "streambridge")
        #expect(run.tool.driver.rules.map(\.id) == Diagnostic.Rule.allCases.map(\.rawValue))
        #expect(run.results.map(\.ruleId) == ["unknown-key", "setting"] && run.results.map(\.level) == ["error", "error"])
        for result in run.results { #expect(run.tool.driver.rules[result.ruleIndex].id == result.ruleId) }
        let places = run.results.flatMap(\.locations).map(\.physicalLocation)
        #expect(places.map(\.artifactLocation.uri) == Array(repeating: "file://\(self.directory.file("b%20c.yaml"))", count: 2))
        #expect(places.map(\.region?.startLine) == [1, 2] && places.map(\.region?.startColumn) == [44, 35])
        #expect(run.results[1].message.text == "sinks.out.path: must be text; write one value, not a list")
    }

    @Test func `a hyphen is standard input`() async throws {
        for (text, code, line) in [
            (Self.correct, Int32(0), "<stdin>: correct; 1 source, 1 route, 1 sink\n"),
            (Self.wrong, 78, "<stdin>:1:44: error: sources.in: unknown key 'tokn'; did you mean 'token'?\n"),
        ] {
            let process = try ChildProcess(
                BridgeProcess.executable, ["check", "-"], input: self.directory.write(text, to: "input.yaml"))
            #expect(try await process.untilEnded() == .exited(code))
            #expect(process.standardOutput + process.standardError == line)
        }
    }

    @Test func `render prints a file without secrets that check accepts`() async throws {
        let path = try self.directory.write(Self.correct, to: "b.yaml")
        let rendered = try await BridgeProcess.command("render", path, "--defaults")
        #expect(rendered.code == 0 && rendered.error.isEmpty)
        #expect(rendered.output.contains("    token: '<hidden>'\n") && rendered.output.contains("    max_body: 1MiB\n"))
        #expect(!rendered.output.contains("hunter2"))
        let checked = try await self.check(rendered.output, "--strict")
        #expect(checked.code == 0, "\(checked.error)\(rendered.output)")
        let refused = try await BridgeProcess.command("render", self.directory.write(Self.wrong, to: "b.yaml"))
        #expect(refused.code == 78 && refused.output.isEmpty && refused.error.contains("unknown key 'tokn'"))
    }
}
