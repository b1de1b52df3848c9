import BridgeConfiguration
import BridgeCore
package import NIOCore

/// An explanation as one JSON object for programs.
package enum ExplanationJSON {
    /// The object on one line.
    package static func object(of explanation: Explanation, in rehearsal: PlanRehearsal) -> ByteBuffer {
        let plan = rehearsal.plan
        return PlainValue.object([
            ("source", explanation.source.map { .text($0) } ?? .null), ("time", .text("\(explanation.time)")),
            ("notes", .list((explanation.notes + explanation.log).map { .text($0) })),
            ("parts", .list(explanation.parts.map(self.part))),
            ("events", .list(explanation.events.map { self.event($0.event, $0.decisions, plan) })),
            ("deliveries", .list(explanation.deliveries.map { self.delivery($0, rehearsal) })),
        ]).redacted(by: rehearsal.redaction).json
    }

    private static func part(_ part: PartExplanation) -> PlainValue {
        func decisions(_ decisions: [CaseDecision]) -> PlainValue {
            .list(
                decisions.map { decision in
                    .object(
                        [("name", .text(decision.name)), ("matches", .flag(decision.failure == nil))]
                            + self.members(decision.failure))
                })
        }
        let failures = part.failures.map { PlainValue.object([("field", .text($0.field)), ("reason", .text($0.reason))]) }
        return .object([
            ("subject", .text(part.message.subject)), ("body", .body(part.message.body)),
            ("content_type", part.message.contentType.map { .text($0) } ?? .null), ("blocks", decisions(part.blocks)),
            ("cases", decisions(part.cases)),
            ("failures", .list(failures)), ("problem", part.problem.map { .text($0) } ?? .null),
            ("ignored", .flag(part.isIgnored)),
        ])
    }

    private static func members(_ failure: FailedCondition?) -> [(name: String, value: PlainValue)] {
        guard let failure else { return [] }
        return [("condition", .text(failure.condition)), ("value", failure.value.map { .text($0) } ?? .null)]
    }

    private static func event(_ event: RehearsedEvent, _ decisions: [RouteDecision], _ plan: BridgePlan) -> PlainValue {
        .object([
            ("event", .body(event.event.json)), ("subject", .text(event.event.subject)),
            ("routes", .list(decisions.map { self.route($0, event, plan) })),
        ])
    }

    private static func route(_ decision: RouteDecision, _ event: RehearsedEvent, _ plan: BridgePlan) -> PlainValue {
        let route = plan.routes[decision.route.rawValue]
        var members: [(name: String, value: PlainValue)] = [("name", .text(route.name))]
        func add(_ verdict: String, _ more: [(name: String, value: PlainValue)] = []) {
            members.append(("verdict", .text(verdict)))
            members += more
        }
        switch decision.verdict {
        case .takes:
            switch event.tools[decision.route] {
            case .dropped(let tool): add("dropped", [("tool", .text(tool))])
            case .isHeld: add("held")
            case .joined: add("joined")
            case nil: add("takes")
            }
        case .otherSource: add("other_source")
        case .unmatched(let failure): add("unmatched", self.members(failure))
        case .isFalse(let expression, let result): add("false", [("condition", .text(expression)), ("value", .text(result))])
        case .fails(let key, let error): add("failed", [("key", .text(key)), ("error", .text(error))])
        case .isStopped(let other): add("stopped", [("by", .text(plan.routes[other.rawValue].name))])
        }
        if !decision.failures.isEmpty { members.append(("errors", .list(decision.failures.map { .text($0) }))) }
        return .object(members)
    }

    private static func delivery(_ delivery: RehearsedDelivery, _ rehearsal: PlanRehearsal) -> PlainValue {
        let sink = rehearsal.plan.sinks[delivery.sink.rawValue]
        var members: [(name: String, value: PlainValue)] = [
            ("sink", .text(sink.name)), ("type", .text(sink.registration.kind.rawValue)),
            ("route", delivery.route.isEmpty ? .null : .text(delivery.route)), ("time", .text("\(delivery.time)")),
            ("event", .body(delivery.event.json)),
        ]
        switch delivery.outcome {
        case .refused(let reason): members.append(("refused", .text(reason)))
        case .sent(let message):
            members.append(("sent", message?.value ?? .null))
        }
        return .object(members)
    }
}

extension PlainValue {
    /// The value without the secrets in its texts; names of members stay.
    func redacted(by redaction: Redaction) -> PlainValue {
        switch self.read {
        case .text(let text): .text(redaction.redacted(text))
        case .list(let items): .list(items.map { $0.redacted(by: redaction) })
        case .object(let members): .object(members.map { ($0.name, $0.value.redacted(by: redaction)) })
        default: self
        }
    }
}
