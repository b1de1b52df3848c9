import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import NIOCore
import Rehearsal
import StreamBridge

/// A file with its tests, loaded with all adapters that ship.
struct RehearsalFixture {
    let rehearsal: PlanRehearsal
    fileprivate let loader: BridgeLoader

    init(_ text: String, environment: [String: String] = [:], files: [String: String] = [:]) throws {
        self.loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: environment,
            readFile: { path in
                guard let text = files[path] else { throw ExpressionError("no such file") }
                return text
            })
        self.rehearsal = try PlanRehearsal(self.loader.load(text: text, file: "bridges.yaml"))
    }

    /// Runs all tests.
    func run() -> (outcomes: [TestOutcome], coverage: TestCoverage) {
        var runner = TestRunner(self.rehearsal)
        let outcomes = self.rehearsal.plan.tests.map { runner.run($0) }
        return (outcomes, runner.coverage)
    }

    /// The lines about what fails, without the time.
    func failures() -> [String] {
        self.run().outcomes.flatMap { $0.failures.flatMap { ["\($0.place): \($0.message)"] + $0.details } }
    }

    /// The lines of `explain` for a message that is written as keys.
    func explain(
        source: String? = nil, _ keys: [(name: String, value: String)] = [], body: String = "",
        at time: String = "2026-01-01T12:00:00Z"
    ) throws -> [String] {
        ExplanationText.lines(of: try self.explanation(source: source, keys, body: body, at: time), in: self.rehearsal)
    }

    func explanation(
        source: String? = nil, _ keys: [(name: String, value: String)] = [], body: String = "",
        at time: String = "2026-01-01T12:00:00Z"
    ) throws -> Explanation {
        let message = try self.loader.message(
            source: source, keys: keys, body: SampleBody(bytes: .init(string: body)), plan: self.rehearsal.plan, file: "options")
        return try Explanation(message, at: Timestamp(rfc3339: time)!, in: self.rehearsal)
    }

    /// The mistakes of a file, one line each.
    static func mistakes(_ text: String) -> [String] {
        do {
            _ = try RehearsalFixture(text)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.diagnostics.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }
}

extension RehearsalFixture {
    /// The tests of a file that has only these.
    func tests(_ text: String) throws -> [FileTest] {
        try self.loader.loadTests(text: text, file: "more.yaml", plan: self.rehearsal.plan)
    }
}
