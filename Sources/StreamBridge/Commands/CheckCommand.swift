import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Glibc

/// `streambridge check [FILE]`.
struct CheckCommand: AsyncParsableCommand {
    /// How the diagnostics are written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        /// One line each on standard error, as compilers write them.
        case text
        /// A list of objects on standard output.
        case json
        /// SARIF 2.1.0 on standard output, for platforms that annotate code.
        case sarif
    }

    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a file without running it: every mistake at once, with file, line and column.",
        discussion:
            "The FILE `-` is standard input. The exit code is 78 for a file with mistakes, and with --strict for warnings too."
            + " With --connect, a line for each source, sink, listener and folder says whether it can be used; the exit code is 1 when one cannot."
            + " Nothing is published, created or acknowledged, and a running program keeps its connections."
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Flag(help: "Fail on warnings too.")
    var strict = false

    @Option(help: "How to print what was found: text, json or sarif.")
    var format = Format.text

    @Flag(help: "Try every peer of the file: reachability, TLS, credentials and permissions. Nothing is sent or changed.")
    var connect = false

    @Option(help: "With --connect: seconds for each peer, 1 to 60.")
    var timeout = 5

    func validate() throws {
        guard (1...60).contains(self.timeout) else { throw ValidationError("--timeout must be 1 to 60") }
    }

    func run() async throws {
        let input = ConfigurationInput(file: try self.file.path())
        let (plan, found) = input.check()
        var diagnostics = found
        var results: [ProbeResult] = []
        if self.connect, let plan {
            results = try await ConnectionCheck(plan: plan, timeout: .seconds(self.timeout)).results()
            // In text, the line of each peer says it.
            if self.format != .text { diagnostics += results.map { $0.diagnostic(of: input.name) } }
        }
        let isUnusable = results.contains { $0.verdict == .failed }
        let report = DiagnosticReport(diagnostics: diagnostics)
        switch self.format {
        case .text: for diagnostic in diagnostics { ConfigurationInput.complain("\(diagnostic)") }
        case .json: try StandardOutput.write(line: report.json.text)
        case .sarif: try StandardOutput.write(line: report.sarif(version: StreamBridge.version).text)
        }
        guard let plan else { throw ExitCode(EX_CONFIG) }
        guard found.isEmpty || !self.strict || isUnusable else {
            if self.format == .text {
                ConfigurationInput.complain("\(input.name): \(Self.count(found.count, "warning")), which --strict refuses")
            }
            throw ExitCode(EX_CONFIG)
        }
        if self.format == .text { try self.printSummary(of: plan, input.name, results) }
        if isUnusable { throw ExitCode.failure }
    }

    private func printSummary(of plan: BridgePlan, _ name: String, _ results: [ProbeResult]) throws {
        let parts = [
            Self.count(plan.sources.count, "source"), Self.count(plan.routes.count, "route"),
            Self.count(plan.sinks.count, "sink"),
        ]
        try StandardOutput.write(line: "\(name): correct; \(parts.joined(separator: ", "))")
        for result in results { try StandardOutput.write(line: result.line) }
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
