import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Glibc

/// `streambridge check [FILE]`.
struct CheckCommand: ParsableCommand {
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
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Flag(help: "Fail on warnings too.")
    var strict = false

    @Option(help: "How to print what was found: text, json or sarif.")
    var format = Format.text

    func run() throws {
        let input = ConfigurationInput(file: try self.file.path())
        let (plan, diagnostics) = input.check()
        let report = DiagnosticReport(diagnostics: diagnostics)
        switch self.format {
        case .text: for diagnostic in diagnostics { ConfigurationInput.complain("\(diagnostic)") }
        case .json: try StandardOutput.write(line: report.json.text)
        case .sarif: try StandardOutput.write(line: report.sarif(version: StreamBridge.version).text)
        }
        guard let plan else { throw ExitCode(EX_CONFIG) }
        guard diagnostics.isEmpty || !self.strict else {
            if self.format == .text {
                ConfigurationInput.complain("\(input.name): \(Self.count(diagnostics.count, "warning")), which --strict refuses")
            }
            throw ExitCode(EX_CONFIG)
        }
        guard self.format == .text else { return }
        let parts = [
            Self.count(plan.sources.count, "source"), Self.count(plan.routes.count, "route"),
            Self.count(plan.sinks.count, "sink"),
        ]
        try StandardOutput.write(line: "\(input.name): correct; \(parts.joined(separator: ", "))")
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
