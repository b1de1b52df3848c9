package import BridgeConfiguration

/// The outcomes of tests as text for people.
package struct TestReport {
    private let outcomes: [TestOutcome]
    private let duration: Duration

    /// Makes a report.
    ///
    /// - Parameter duration: how long all tests took together.
    package init(outcomes: [TestOutcome], duration: Duration) {
        self.outcomes = outcomes
        self.duration = duration
    }

    /// Whether a test failed.
    package var hasFailures: Bool { self.outcomes.contains { !$0.failures.isEmpty } }

    /// A line for each test, the details of those that failed, and the sum.
    ///
    /// - Parameter isQuiet: whether tests that pass have no line.
    package func lines(isQuiet: Bool) -> [String] {
        var lines: [String] = []
        for outcome in self.outcomes {
            guard !outcome.failures.isEmpty else {
                if !isQuiet { lines.append("✓ \(outcome.test.name)") }
                continue
            }
            lines.append("✗ \(outcome.test.name)")
            for failure in outcome.failures {
                lines.append("  \(failure.place): \(failure.message)")
                lines += failure.details.map { "    \($0)" }
            }
        }
        let failed = self.outcomes.count { !$0.failures.isEmpty }
        let (seconds, attoseconds) = self.duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let count = "\(self.outcomes.count) \(self.outcomes.count == 1 ? "test" : "tests")"
        lines.append("\(count), \(failed == 0 ? "all passed" : "\(failed) failed") (\(milliseconds) ms)")
        return lines
    }

    /// What no test reaches.
    package func lines(of coverage: TestCoverage, _ plan: BridgePlan) -> [String] {
        let unreached = coverage.unreached(of: plan)
        let all = TestCoverage.count(in: plan)
        return ["coverage: \(all - unreached.count) of \(all) routes and cases"] + unreached.map { "  not reached: \($0)" }
    }
}
