package import BridgeConfiguration
package import BridgeCore

/// The result of one test.
package struct TestOutcome: Sendable {
    /// The test.
    package let test: FileTest
    /// What is not as expected; empty when the test passes.
    package let failures: [TestFailure]
    /// How long it took.
    package let duration: Duration
}

/// One thing that is not as a test expects.
package struct TestFailure: Sendable {
    /// Where the expectation or the message is written.
    package let place: TestPlace
    /// What is wrong, one sentence without a final stop.
    package let message: String
    /// The differences, and what the sink got; each a line.
    package let details: [String]
}

/// What the tests of a file have reached.
package struct TestCoverage: Sendable {
    /// The routes that took an event.
    package var routes: Set<RouteIndex> = []
    /// The blocks and cases of `normalise` that a message matched, as messages call them, by source.
    package var parts: [SourceIndex: Set<String>] = [:]

    /// Makes the coverage of no test.
    package init() {}

    /// What no test has reached, in the order of the file: `route NAME`, or `source NAME normalise[N].cases[N]`.
    ///
    /// Cases of presets are not listed: they have tests of their own.
    package func unreached(of plan: BridgePlan) -> [String] {
        let routes = plan.routes.enumerated().filter { !self.routes.contains(RouteIndex($0.offset)) }.map {
            "route \($0.element.name)"
        }
        let parts = plan.sources.enumerated().flatMap { index, source in
            source.normalise.ownParts.filter { self.parts[SourceIndex(index)]?.contains($0) != true }
                .map { "source \(source.name) \($0.hasPrefix("normalise") ? "" : "normalise.")\($0)" }
        }
        return routes + parts
    }

    /// How many routes and cases of the file there are.
    package static func count(in plan: BridgePlan) -> Int {
        plan.routes.count + plan.sources.reduce(0) { $0 + $1.normalise.ownParts.count }
    }
}
