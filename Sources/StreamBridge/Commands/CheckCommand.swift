import ArgumentParser
import BridgeConfiguration

/// `streambridge check [FILE]`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a file without running it: every mistake at once, with file, line and column."
    )

    @OptionGroup var file: ConfigurationFileArgument

    func run() throws {
        let file = try self.file.path()
        let plan = try ConfigurationInput(file: file).load()
        // A warning, not a mistake: a file may be checked on another machine than it runs on.
        for problem in ReferredFiles(plan: plan).problems { ConfigurationInput.complain("\(file): warning: \(problem)") }
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let parts = [
            count(plan.sources.count, "source"), count(plan.routes.count, "route"), count(plan.sinks.count, "sink"),
        ]
        try StandardOutput.write(line: "\(file): correct; \(parts.joined(separator: ", "))")
    }
}
