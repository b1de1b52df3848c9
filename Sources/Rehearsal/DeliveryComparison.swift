import BridgeConfiguration
import BridgeCore
import NIOCore

/// Compares what a sink got with what a test expects.
struct DeliveryComparison {
    /// More events are not shown in a failure.
    private static let mostShown = 10
    /// More characters of an event are not shown.
    private static let longest = 2000

    let rehearsal: Rehearsal
    let plan: PlanRehearsal

    func failures(of expectation: SinkExpectation, _ deliveries: [RehearsedDelivery]) -> [TestFailure] {
        let name = self.plan.plan.sinks[expectation.sink.rawValue].name
        switch expectation.content {
        case .count(let count):
            guard deliveries.count != count else { return [] }
            return [self.wrongCount(name, expectation.place, expected: count, deliveries)]
        case .events(let events):
            guard deliveries.count == events.count else {
                return [self.wrongCount(name, expectation.place, expected: events.count, deliveries)]
            }
            return zip(events, deliveries).enumerated().compactMap { index, pair in
                let differences = self.differences(pair.0, pair.1)
                guard !differences.isEmpty else { return nil }
                let which = events.count > 1 ? "event \(index + 1) of \(name)" : "the event of \(name)"
                return TestFailure(
                    place: differences[0].place, message: "\(which) is not as expected",
                    details: differences.flatMap(\.lines) + ["it got: \(self.shown(pair.1))"])
            }
        }
    }

    /// Events that sinks refuse and that nothing in the test expects.
    func refusals(_ deliveries: [RehearsedDelivery], of test: FileTest) -> [TestFailure] {
        let letters = deliveries.filter { letter in
            letter.event.kind == .deadLetter && test.expectations.contains { $0.sink == letter.sink }
        }
        return deliveries.compactMap { delivery in
            guard case .refused(let reason) = delivery.outcome else { return nil }
            let name = self.plan.plan.sinks[delivery.sink.rawValue].name
            // Its dead letter that is expected says that the refusal is.
            guard !letters.contains(where: { $0.event.id == delivery.event.id }) else { return nil }
            let place = test.expectations.first { $0.sink == delivery.sink }?.place ?? test.place
            return TestFailure(place: place, message: "\(name) refuses the event: \(reason)", details: [])
        }
    }

    private func wrongCount(
        _ name: String, _ place: TestPlace, expected: Int, _ deliveries: [RehearsedDelivery]
    ) -> TestFailure {
        let got = deliveries.isEmpty ? "none arrives" : deliveries.count == 1 ? "one arrives" : "\(deliveries.count) arrive"
        let wanted =
            expected == 0 ? "no event is expected" : expected == 1 ? "one event is expected" : "\(expected) events are expected"
        let more = deliveries.count > Self.mostShown ? ["and \(deliveries.count - Self.mostShown) more"] : []
        return TestFailure(
            place: place, message: "\(wanted) at \(name), and \(got)",
            details: deliveries.prefix(Self.mostShown).map { "it got: \(self.shown($0))" } + more)
    }

    /// What is wrong with one value.
    private struct Difference {
        let place: TestPlace
        let lines: [String]
    }

    private func differences(_ expected: ExpectedEvent, _ delivery: RehearsedDelivery) -> [Difference] {
        var found: [Difference] = []
        for member in expected.members {
            let differences = ValueComparison.differences(member.value, self.value(member.origin, of: delivery))
            guard !differences.isEmpty else { continue }
            let lines = differences.flatMap { difference in
                [
                    "  \(member.name)\(difference.path)", "    - \(difference.expected)",
                    "    + \(difference.actual ?? "nothing")",
                ]
            }
            found.append(Difference(place: member.place, lines: lines))
        }
        if let match = expected.match, let failure = self.rehearsal.failure(of: match, for: delivery.event) {
            let value = failure.value.map { ["    + \($0)"] } ?? []
            found.append(Difference(place: expected.place, lines: ["  match", "    - \(failure.condition)"] + value))
        }
        return found
    }

    private func value(_ origin: ExpectedEvent.Origin, of delivery: RehearsedDelivery) -> PlainValue? {
        switch origin {
        case .event(let path): return self.rehearsal.value(of: delivery.event, at: path)
        case .route: return delivery.route.isEmpty ? nil : .text(delivery.route)
        case .sent:
            guard case .sent(let message) = delivery.outcome else { return nil }
            return message?.value
        }
    }

    /// The event of a delivery on one line, or its beginning.
    private func shown(_ delivery: RehearsedDelivery) -> String {
        let text = String(buffer: delivery.event.json)
        return text.utf8.count > Self.longest ? "\(text.prefix(Self.longest))…" : text
    }
}
