import BridgeTesting
import NIOCore
import Testing

/// Output of commands that cannot be written or is not read: an incomplete copy must not look complete.
@Suite(.timeLimit(.minutes(1)))
struct StandardOutputTests {
    /// Runs a line of the shell, in which `bridge` is the program.
    private static func shell(_ line: String) async throws -> (ending: ChildProcess.Ending, output: String, error: String) {
        let process = try ChildProcess("bash", ["-c", "bridge() { '\(BridgeProcess.executable)' \"$@\"; }; " + line])
        let ending = try await process.untilEnded()
        return (ending, process.standardOutput, process.standardError)
    }

    /// A log with letters of 100 kB each, that no program runs with.
    ///
    /// - Returns: the path of the configuration file, and where it is.
    private static func letters(_ count: Int) async throws -> (file: String, directory: TemporaryDirectory) {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404))
        let bridge = try await BridgeProcess.start(
            """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks: { phone: { type: webhook, url: "\(server.url())" } }
            routes: [{ to: phone }]
            """
        )
        for _ in 0..<count {
            let body = ByteBuffer(string: "{\"message\":\"m\",\"payload\":\"\(String(repeating: "x", count: 100_000))\"}")
            try #require(try await bridge.post("/n/hello", body, type: "application/json").status == 201)
        }
        try await eventually("all are given up") { try await bridge.metric("streambridge_log_dead_letters") == Double(count) }
        #expect(try await bridge.stop() == .exited(0))
        return (bridge.directory.file("bridges.yaml"), bridge.directory)
    }

    @Test func `output that cannot be written causes exit code 1 with the reason, for every command`() async throws {
        let (file, directory) = try await Self.letters(2)
        for command in [
            "check \(file)", "adapters", "dead-letters list -f \(file)", "dead-letters show --all -f \(file)",
            "dead-letters show 1 -f \(file)", "dead-letters replay 1 -f \(file)", "dead-letters drop 1 -f \(file)",
        ] {
            let (ending, _, error) = try await Self.shell("bridge \(command) >/dev/full")
            #expect(ending == .exited(1), "\(command)")
            #expect(error == "standard output cannot be written: No space left on device\n", "\(command)")
        }
        let (_, output, _) = try await Self.shell("bridge dead-letters show --all -f \(file) >/dev/full && echo dropped")
        #expect(output.isEmpty)
        let (_, left, _) = try await Self.shell("bridge dead-letters list -f \(file) | wc -l")
        #expect(left == "1\n", "only the one that was to be dropped is gone")
        withExtendedLifetime(directory) {}
    }

    @Test func `a reader that stops ends the command quietly, without success`() async throws {
        let (file, directory) = try await Self.letters(5)
        let line = "bridge dead-letters show --all -f \(file) | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}"
        let (_, code, error) = try await Self.shell(line)
        #expect(code == "141\n", "SIGPIPE")
        #expect(error.isEmpty)
        let ignored = try await Self.shell("trap '' PIPE; " + line)
        #expect(ignored.output == "1\n")
        #expect(ignored.error.isEmpty)
        withExtendedLifetime(directory) {}
    }

    @Test func `an unknown sink is reported, and not mistaken for one without dead letters`() async throws {
        let (file, directory) = try await Self.letters(1)
        for action in ["list", "show", "replay", "drop"] {
            let (code, output, error) = try await BridgeProcess.command("dead-letters", action, "--sink", "phon", "-f", file)
            #expect(code == 1, "\(action)")
            #expect(output.isEmpty)
            #expect(error == "no sink is called 'phon', and no dead letter is from one of that name; there are phone\n")
        }
        // Of a sink that is gone from the file there may be letters.
        let renamed = try directory.write(
            String(decoding: directory.read("bridges.yaml"), as: UTF8.self).split(separator: "phone").joined(separator: "new"),
            to: "renamed.yaml")
        let (code, output, error) = try await BridgeProcess.command("dead-letters", "drop", "--sink", "phone", "-f", renamed)
        #expect(code == 0, "\(error)")
        #expect(output == "1 dead letter dropped\n")
        #expect(try await BridgeProcess.command("dead-letters", "drop", "--sink", "", "-f", file).code == 0)
    }
}
