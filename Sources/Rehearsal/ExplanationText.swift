import BridgeConfiguration
import BridgeCore
import NIOCore

/// An explanation as text for people.
package struct ExplanationText {
    /// Longer bodies are shown as their beginning.
    private static let longest = 2000

    private let plan: BridgePlan
    private let redaction: Redaction
    private var lines: [String] = []

    /// The lines of an explanation.
    package static func lines(of explanation: Explanation, in rehearsal: PlanRehearsal) -> [String] {
        var text = ExplanationText(plan: rehearsal.plan, redaction: rehearsal.redaction)
        text.write(explanation)
        return text.lines
    }

    private init(plan: BridgePlan, redaction: Redaction) {
        self.plan = plan
        self.redaction = redaction
    }

    private mutating func add(_ depth: Int, _ line: String) {
        self.lines.append(String(repeating: "  ", count: depth) + self.redaction.redacted(line, isCut: true))
    }

    private mutating func write(_ explanation: Explanation) {
        if !explanation.parts.isEmpty || !explanation.notes.isEmpty {
            self.add(0, "source \(explanation.source ?? "")")
            for note in explanation.notes { self.add(1, "note: \(note)") }
            for (index, part) in explanation.parts.enumerated() {
                self.write(part, explanation.parts.count > 1 ? "item \(index + 1): " : "")
            }
        }
        if explanation.events.isEmpty {
            self.add(0, explanation.parts.isEmpty && explanation.notes.isEmpty ? "no event" : "→ no event")
        }
        for (event, decisions) in explanation.events {
            self.write(event.event)
            self.write(decisions, event)
        }
        for delivery in explanation.deliveries { self.write(delivery, explanation.time) }
        if !explanation.events.isEmpty, explanation.deliveries.isEmpty { self.add(0, "no sink gets it") }
        for line in explanation.log { self.add(0, "log: \(line)") }
    }

    private mutating func write(_ part: PartExplanation, _ name: String) {
        let message = part.message
        self.add(1, "\(name)subject \(message.subject)")
        let type = message.contentType.map { ", \($0)" } ?? ""
        self.add(1, "body \(message.body.readableBytes) bytes\(type)\(part.isOpened ? ", after decode, root and split" : "")")
        if message.body.readableBytes > 0 { self.add(2, Self.shortened(PlainValue.body(message.body))) }
        for (field, reason) in part.failures {
            self.add(1, "✗ \(field.hasPrefix("normalise[") ? "" : "normalise ")\(field): \(reason)")
        }
        if let problem = part.problem { self.add(1, "✗ \(problem)") }
        for decision in part.blocks + part.cases {
            if let failure = decision.failure {
                self.add(1, "✗ \(decision.name): \(Self.words(failure))")
            } else {
                self.add(1, "✓ \(decision.name)\(decision.isDrop ? " drops it" : "")")
            }
        }
        if part.cases.allSatisfy({ $0.failure != nil }) {
            let noBlock = !part.blocks.isEmpty && part.blocks.allSatisfy { $0.failure != nil }
            let which =
                noBlock
                ? "no block matches; read automatically"
                : part.cases.isEmpty ? "read automatically" : "no case matches; read automatically"
            self.add(1, part.isIgnored ? "ignored: a keep-alive, an end mark or nothing" : which)
        }
    }

    private mutating func write(_ event: Event) {
        self.add(0, "→ event \(event.id)")
        if let title = event.title { self.add(1, "title     \(Self.line(title))") }
        self.add(1, "message   \(Self.line(event.message))")
        if let priority = event.priority { self.add(1, "priority  \(priority)") }
        if !event.tags.isEmpty { self.add(1, "tags      \(event.tags.map(Self.line).joined(separator: ", "))") }
        self.add(1, "timestamp \(event.timestamp)")
        if let payload = event.payload { self.add(1, "payload   \(Self.shortened(.body(payload)))") }
        self.add(1, "subject   \(event.subject)")
        if !event.attributes.isEmpty {
            let attributes = event.attributes.elements.map { "\($0.name)=\(Self.line($0.value))" }
            self.add(1, "attributes \(attributes.joined(separator: " "))")
        }
    }

    private mutating func write(_ decisions: [RouteDecision], _ event: RehearsedEvent) {
        self.add(0, "routes")
        for decision in decisions {
            let route = self.plan.routes[decision.route.rawValue]
            switch decision.verdict {
            case .takes:
                let names = route.targets.map { self.plan.sinks[$0.sink.rawValue].name }
                let tool = event.tools[decision.route].map { "; \(Self.words($0, route))" } ?? ""
                let goal = tool.isEmpty ? " → \(names.joined(separator: ", "))" : tool
                self.add(1, "✓ \(route.name)\(goal)\(route.stop ? "; stops" : "")")
                for failure in decision.failures { self.add(2, "✗ \(failure)") }
            case .otherSource(let sources):
                self.add(1, "✗ \(route.name): from \(sources.sorted().joined(separator: ", "))")
            case .unmatched(let failure): self.add(1, "✗ \(route.name): \(Self.words(failure))")
            case .isFalse(let expression, let result):
                self.add(1, "✗ \(route.name): when \(Self.line(expression)): the result is \(Self.line(result))")
            case .fails(let key, let error): self.add(1, "✗ \(route.name): \(key) fails: \(Self.line(error))")
            case .isStopped(let other):
                self.add(1, "✗ \(route.name): not reached, because \(self.plan.routes[other.rawValue].name) stops")
            }
        }
        if event.isUnrouted { self.add(1, "no route takes it") }
    }

    private mutating func write(_ delivery: RehearsedDelivery, _ start: Timestamp) {
        let sink = self.plan.sinks[delivery.sink.rawValue]
        let wait =
            delivery.time > start
            ? ", \(Duration.milliseconds(delivery.time.milliseconds - start.milliseconds).setting) later" : ""
        let route = delivery.route.isEmpty ? " (dead letter)" : " by \(delivery.route)"
        self.add(0, "sink \(sink.name), \(sink.registration.kind),\(route)\(wait)")
        switch delivery.outcome {
        case .refused(let reason): self.add(1, "✗ refused: \(reason)")
        case .sent(nil): self.add(1, "gets the event")
        case .sent(let message?):
            for (name, value) in message.parts { self.write(name, value, 1) }
        }
    }

    private mutating func write(_ name: String, _ value: PlainValue, _ depth: Int) {
        if case .object(let members) = value, !members.isEmpty {
            self.add(depth, "\(name):")
            for member in members { self.write(member.name, member.value, depth + 1) }
        } else {
            self.add(depth, "\(name): \(Self.shortened(value))")
        }
    }

    // MARK: Words

    private static func words(_ failure: FailedCondition) -> String {
        "\(failure.condition)\(failure.value.map { ": the event has \($0 == "null" ? "none" : $0)" } ?? "")"
    }

    private static func words(_ tool: ToolOutcome, _ route: Route) -> String {
        switch tool {
        case .dropped(let name): "dropped by \(name)"
        case .isHeld: "held by \(route.tools?.holding.joined(separator: " or ") ?? "a tool")"
        case .joined: route.tools?.expect != nil ? "noticed by expect" : "becomes part of a digest"
        }
    }

    /// A value on one line.
    private static func shortened(_ value: PlainValue) -> String {
        let text: String
        switch value.read {
        case .text(let own): text = self.line(own)
        case let own: text = String(buffer: own.json)
        }
        guard text.utf8.count > self.longest else { return text }
        return "\(text.prefix(self.longest))… (\(text.utf8.count) bytes)"
    }

    /// A text on one line, without characters that a terminal interprets.
    private static func line(_ text: String) -> String {
        // Line breaks stay readable.
        let isOneLine = !text.utf8.contains { $0 == 10 || $0 == 13 || $0 == 9 }
        return SafeText.sentence(isOneLine ? text : String(buffer: PlainValue.text(text).json))
    }
}
