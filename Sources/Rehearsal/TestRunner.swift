package import BridgeConfiguration
import BridgeCore

/// Runs the tests of a file, one after another, each from an empty log.
///
/// Not thread-safe.
package struct TestRunner {
    private let rehearsal: PlanRehearsal
    /// What the tests have reached up to now.
    package private(set) var coverage = TestCoverage()

    /// Makes a runner of the tests of one file.
    package init(_ rehearsal: PlanRehearsal) {
        self.rehearsal = rehearsal
    }

    /// Runs one test.
    package mutating func run(_ test: FileTest) -> TestOutcome {
        let start = ContinuousClock.now
        var (deliveries, failures) = ([RehearsedDelivery](), [TestFailure]())
        let rehearsal = self.rehearsal.begin(at: test.start)
        do {
            try self.send(test, rehearsal, &deliveries)
        } catch let failure as TestFailureError {
            failures.append(failure.failure)
        } catch {
            failures.append(TestFailure(place: test.place, message: "\(error)", details: []))
        }
        if failures.isEmpty {
            let comparison = DeliveryComparison(rehearsal: rehearsal, plan: self.rehearsal)
            for expectation in test.expectations {
                let own = deliveries.filter { $0.sink == expectation.sink && !$0.isRefused }
                failures += comparison.failures(of: expectation, own)
            }
            failures += comparison.refusals(deliveries, of: test)
        }
        if !failures.isEmpty { failures += self.notes(of: test) }
        _ = self.rehearsal.notes.take()
        let redaction = self.rehearsal.redaction
        failures = failures.map { failure in
            TestFailure(
                place: failure.place, message: redaction.redacted(failure.message),
                details: failure.details.map { redaction.redacted($0, isCut: true) })
        }
        return TestOutcome(test: test, failures: failures, duration: .now - start)
    }

    /// A failure that ends a test.
    private struct TestFailureError: Error {
        let failure: TestFailure
    }

    private mutating func send(_ test: FileTest, _ rehearsal: Rehearsal, _ deliveries: inout [RehearsedDelivery]) throws {
        var readings: [SourceIndex: SampleReading<any SettingGroup>] = [:]
        for step in test.steps {
            deliveries += rehearsal.advance(to: step.time).deliveries
            guard let message = step.message else { continue }
            if readings[message.source] == nil { readings[message.source] = try self.rehearsal.reading(of: message.source) }
            guard let reading = readings[message.source] else { continue }
            let reception: SampleReception
            do {
                reception = try reading.receive(message.sample, message.body)
            } catch let refusal as SampleRefusal {
                let name = self.rehearsal.plan.sources[message.source.rawValue].name
                throw TestFailureError(
                    failure: TestFailure(
                        place: step.place, message: "the message does not arrive at \(name): \(refusal.reason)", details: []))
            }
            self.note(reception.messages, from: message.source, rehearsal)
            let result = rehearsal.receive(reception.messages, from: message.source)
            for event in result.events { self.coverage.routes.formUnion(event.routes) }
            deliveries += result.deliveries
        }
    }

    /// Notes which blocks and cases the messages match.
    private mutating func note(_ messages: [ReceivedMessage], from source: SourceIndex, _ rehearsal: Rehearsal) {
        guard !self.rehearsal.plan.sources[source.rawValue].normalise.ownParts.isEmpty else { return }
        for message in messages {
            for part in rehearsal.explanation(of: message, from: source) {
                for decision in [part.blocks.last, part.cases.last] {
                    guard let decision, decision.failure == nil else { continue }
                    self.coverage.parts[source, default: []].insert(decision.name)
                }
            }
        }
    }

    /// What the program would have logged, which often says why a test fails.
    private func notes(of test: FileTest) -> [TestFailure] {
        let lines = self.rehearsal.notes.take()
        guard !lines.isEmpty else { return [] }
        return [TestFailure(place: test.place, message: "the program would log", details: Array(lines.prefix(10)))]
    }
}
