/// How the `normalise` of a source reads one message, or one item of a list.
package struct PartExplanation: Sendable {
    /// The body as it is read: decoded, and the part that `root` names.
    package let message: ReceivedMessage
    /// Whether `decode`, `root` or `split` has changed the body.
    package let isOpened: Bool
    /// What each block said about the message up to the one that reads it; empty where there is one for all messages.
    package let blocks: [CaseDecision]
    /// What each case of the block said up to the one that matched, in order.
    package let cases: [CaseDecision]
    /// The parts of `normalise` that did not apply, each with the reason.
    package let failures: [(field: String, reason: String)]
    /// Why the body does not match its declared content type.
    package let problem: String?
    /// Whether the message is no event, because a case drops it or because it is a keep-alive.
    package let isIgnored: Bool
}

/// Whether a case or a block of `normalise` is for a message.
package struct CaseDecision: Sendable {
    /// Its name in messages: `cases[0]`, `normalise[1].cases[0]` or `preset hue cases[0]`; `normalise[1]` or `preset hue` for a block.
    package let name: String
    /// The condition that does not hold; `nil` for the one that matches.
    package let failure: FailedCondition?
    /// Whether it drops the message.
    package let isDrop: Bool
}

extension SourceMapping {
    /// What each case says about an event up to the one that matches.
    func decisions(for event: Event, now: Timestamp) -> [CaseDecision] {
        self.reader.load(event, now: now)
        var decisions: [CaseDecision] = []
        for index in self.cases.indices {
            let failure = self.cases[index].match?.failure(self.reader)
            decisions.append(
                CaseDecision(
                    name: String(self.places[index].dropLast(".set".count)), failure: failure,
                    isDrop: self.cases[index].isDropped))
            if failure == nil { break }
        }
        return decisions
    }
}

extension Normaliser {
    /// How a message is read, part by part; changes nothing that later messages depend on.
    func explanation(of message: ReceivedMessage, now: Timestamp) -> [PartExplanation] {
        let blocks = self.blockDecisions(for: message, now: now)
        let parts = self.unpack([message], isKnown: { _ in false }, now: now).messages
        defer { self.endBatch() }
        return parts.enumerated().map { place, part in
            let outcome = self.event(from: part, at: place, now: now)
            return PartExplanation(
                message: part, isOpened: parts.count > 1 || part.body != message.body, blocks: blocks,
                cases: self.decisions(for: part, at: place, now: now),
                failures: outcome.failures.map { ($0.field, $0.reason) }, problem: outcome.problem, isIgnored: outcome.isNoise)
        }
    }
}
