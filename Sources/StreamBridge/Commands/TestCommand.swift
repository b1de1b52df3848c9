import ArgumentParser
import BridgeConfiguration
import Glibc
import Rehearsal

/// `streambridge test [FILE]`.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests of a file: messages in, what sinks get out; no network, no log on disk.",
        discussion: """
            Tests are below `tests:` in the file, in FILE with .test.yaml in place of .yaml beside it, and in the files of --tests. Exit \
            code 1 when a test fails, 78 for a mistake in a file.
            """
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Option(help: "A further file with tests; may be repeated.", completion: .file(extensions: ["yaml", "yml"]))
    var tests: [String] = []

    @Option(help: "Run only tests whose names contain this text.")
    var filter: String?

    @Option(help: "Write the results to this file in the XML of JUnit.", completion: .file(extensions: ["xml"]))
    var junit: String?

    @Flag(help: "List the routes, and the blocks and cases of normalise, that no test reaches.")
    var coverage = false

    @Flag(name: .shortAndLong, help: "Print only what fails.")
    var quiet = false

    func run() throws {
        let input = ConfigurationInput(file: try self.file.path())
        let plan = try input.load()
        let all = try plan.tests + self.files(beside: input.file).flatMap { try input.loadTests(in: $0, plan: plan) }
        let chosen = all.filter { test in self.filter.map { test.name.lowercased().contains($0.lowercased()) } ?? true }
        guard !all.isEmpty else {
            ConfigurationInput.complain(
                "\(input.file): no tests; write them below 'tests:', or in \(Self.companion(of: input.file))")
            throw ExitCode(1)
        }
        guard !chosen.isEmpty else {
            ConfigurationInput.complain("\(input.file): no test has '\(self.filter ?? "")' in its name; there are \(all.count)")
            throw ExitCode(1)
        }
        var runner = TestRunner(try PlanRehearsal(plan))
        let start = ContinuousClock.now
        let outcomes = chosen.map { runner.run($0) }
        let report = TestReport(outcomes: outcomes, duration: .now - start)
        try StandardOutput.write { output in
            for line in report.lines(isQuiet: self.quiet) { try output.add(line: line) }
            if self.coverage { for line in report.lines(of: runner.coverage, plan) { try output.add(line: line) } }
        }
        if let junit { try OutputFile.write(JUnitReport.xml(of: outcomes, name: input.file), to: junit) }
        guard !report.hasFailures else { throw ExitCode(1) }
    }

    /// The files with tests: the one beside the file, when it exists, and those of the option.
    private func files(beside file: String) -> [String] {
        let companion = Self.companion(of: file)
        let isThere = access(companion, F_OK) == 0 && companion != file && !self.tests.contains(companion)
        return (isThere ? [companion] : []) + self.tests
    }

    /// `bridges.test.yaml` for `bridges.yaml`.
    static func companion(of file: String) -> String {
        for end in [".yaml", ".yml"] where file.hasSuffix(end) { return "\(file.dropLast(end.count)).test\(end)" }
        return "\(file).test.yaml"
    }
}
