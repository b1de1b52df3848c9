import ArgumentParser
import BridgeConfiguration

/// `streambridge check [FILE]`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a file without running it: every mistake at once, with file, line and column."
    )

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "bridges.yaml"

    func run() throws {
        let plan = try ConfigurationInput(file: self.file).load()
        // Told but no mistake: a file may be checked on another machine than it runs on.
        for problem in ReferredFiles(plan: plan).problems { ConfigurationInput.complain("\(self.file): warning: \(problem)") }
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let parts = [
            count(plan.sources.count, "source"), count(plan.routes.count, "route"), count(plan.sinks.count, "sink"),
        ]
        try StandardOutput.write(line: "\(self.file): correct; \(parts.joined(separator: ", "))")
    }
}
