import BridgeCore
import YAML

/// Reads `expect:` of a test.
struct ExpectationReader {
    let decoding: SettingsDecoding
    let findings: Findings
    /// The file's name, for places.
    let file: String
    let sinks: [PreparedSink]
    /// The names of all sinks of the file, including those with mistakes.
    let sinkNames: [String]

    /// The keys of an expected event that are no paths.
    private static let members = [
        "id", "title", "message", "priority", "tags", "timestamp", "payload", "source", "subject", "attributes", "route", "sent",
        "match",
    ]
    /// Those of them that are variables of templates.
    private static let variables: Set<String> = ["source", "subject", "attributes"]

    func expectations(_ test: Located) -> [SinkExpectation] {
        guard let place = test.child("expect"), place.node.mapping?.isEmpty == false else {
            let sink = self.sinkNames.first ?? "NAME"
            self.findings.error("'expect' is missing; name a sink and what it gets, such as \(sink): [{ title: … }]", at: test)
            return []
        }
        return place.members.compactMap { name, place in
            guard let index = self.sinks.firstIndex(where: { $0.name == name }) else {
                if !self.sinkNames.contains(name) {
                    self.findings.error(
                        "no sink is called '\(name)'\(NearestName.hint(for: name, among: self.sinkNames))", at: place)
                }
                return nil
            }
            guard let content = self.content(place) else { return nil }
            return SinkExpectation(sink: SinkIndex(index), place: TestPlace(place, in: self.file), content: content)
        }
    }

    private func content(_ place: Located) -> SinkExpectation.Content? {
        if let text = place.text {
            if let count = Int(text), count >= 0 { return .count(count) }
            self.findings.error("must be a list of events, [] for none, or a number of events", at: place)
            return nil
        }
        return .events(place.items.compactMap(self.event))
    }

    private func event(_ place: Located) -> ExpectedEvent? {
        guard place.node.mapping != nil else {
            self.findings.error("must be a mapping of what the event has, such as { title: Door }", at: place)
            return nil
        }
        var members: [ExpectedEvent.Member] = []
        var match: Matcher?
        for (key, value) in place.members {
            if key == "match" {
                match = self.decoding.decode(value, as: Matcher.self)
                continue
            }
            guard let origin = self.origin(key, at: value),
                let expected = self.decoding.decode(value, as: PlainValue.self)
            else { continue }
            members.append(
                ExpectedEvent.Member(place: TestPlace(value, in: self.file), name: key, origin: origin, value: expected))
        }
        return ExpectedEvent(place: TestPlace(place, in: self.file), members: members, match: match)
    }

    private func origin(_ key: String, at place: Located) -> ExpectedEvent.Origin? {
        switch key {
        case "route": return .route
        case "sent": return .sent
        default: break
        }
        let isPath = key.hasPrefix(".") || key.hasPrefix("$")
        guard isPath || Self.members.contains(key) else {
            let hint = NearestName.hint(for: key, among: Self.members, listed: Self.members.joined(separator: ", "))
            self.findings.error(
                "an expected event has no key '\(key)'\(hint); a path begins with a dot, such as .payload.\(key)", at: place)
            return nil
        }
        do {
            let text = isPath ? key : "\(Self.variables.contains(key) ? "$" : ".")\(key)"
            if let path = try EventPath(expression: text) { return .event(path) }
            self.findings.error("'\(key)' is not a plain path; write one such as .payload.rooms[0].name", at: place)
        } catch {
            self.findings.error("\(error)", at: place)
        }
        return nil
    }
}
