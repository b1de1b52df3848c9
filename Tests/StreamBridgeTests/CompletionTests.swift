import BridgeTesting
import Testing

/// `--generate-completion-script`: what shells complete.
@Suite(.timeLimit(.minutes(1)))
struct CompletionTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `a script for each shell knows the commands and their options`(shell: String) async throws {
        let (code, script, error) = try await BridgeProcess.command("--generate-completion-script", shell)
        #expect(code == 0 && error.isEmpty)
        for word in ["check", "explain", "presets", "strict", "watch"] {
            #expect(script.contains(word), "\(shell): \(word)")
        }
        // The worker is a part of the program, and no command for people.
        #expect(!script.contains("expression-worker"))
    }

    @Test func `bash completes a command and the formats of check`() async throws {
        let directory = try TemporaryDirectory()
        let script = try directory.write(
            try await BridgeProcess.command("--generate-completion-script", "bash").output, to: "script")
        let syntax = try ChildProcess("bash", ["-n", script])
        #expect(try await syntax.untilEnded() == .exited(0), "\(syntax.standardError)")
        let program = """
            source "$1"
            COMP_WORDS=(streambridge che) COMP_CWORD=1 COMP_LINE='streambridge che' COMP_POINT=16
            _streambridge streambridge che streambridge
            echo "${COMPREPLY[@]}"
            """
        let bash = try ChildProcess("bash", ["--norc", "-c", program, "bash", script])
        #expect(try await bash.untilEnded() == .exited(0), "\(bash.standardError)")
        #expect(bash.standardOutput.contains("check"), "\(bash.standardOutput)\(bash.standardError)")
    }
}
