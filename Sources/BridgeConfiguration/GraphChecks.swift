import BridgeCore
import YAML

/// Looks at sources, sinks and routes together.
struct GraphChecks {
    let root: Located
    let defaults: Located?
    let sources: [ComponentReader.Found<PreparedSource>]
    let sinks: [ComponentReader.Found<PreparedSink>]
    /// Those with mistakes included.
    let sinkNames: [String]
    /// Whether the log survives the program.
    let isDurable: Bool
    let findings: Findings

    /// - Returns: the place of the sink for events that no route takes.
    func check(_ routes: [Route]) -> SinkIndex? {
        for key in ["sources", "sinks", "routes"] {
            guard let part = self.root.child(key) else {
                self.findings.error("'\(key)' is missing", at: self.root)
                continue
            }
            if part.isNull || part.node.mapping?.isEmpty == true || part.node.sequence?.isEmpty == true {
                self.findings.error("is empty; at least one is needed", at: part)
            }
        }
        self.checkResources()
        let unrouted = self.checkDeadLetters()
        CircleChecks(sources: self.sources, sinks: self.sinks, routes: routes).report(to: self.findings)
        self.refuseContention()
        self.warnOfIdle(routes)
        return unrouted
    }

    /// Two components must not claim the same thing.
    private func checkResources() {
        var owners: [Resource: Located] = [:]
        let claims =
            self.sources.map { ($0.prepared.settings.exclusiveResources, $0.place) }
            + self.sinks.map { ($0.prepared.variants[0].exclusiveResources, $0.place) }
        for (resources, place) in claims {
            for resource in resources {
                if let owner = owners[resource] {
                    let line = owner.node.mark?.line ?? 1
                    self.findings.error(
                        "the \(resource) belongs to \(owner.path.joined(separator: ".")) already (line \(line))", at: place)
                } else {
                    owners[resource] = place
                }
            }
        }
    }

    /// An event must not choose what another sink claims alone.
    private func refuseContention() {
        for (index, sink) in self.sinks.enumerated() {
            guard let contention = sink.prepared.variants[0].contention else { continue }
            for (otherIndex, other) in self.sinks.enumerated() where index != otherIndex {
                for resource in other.prepared.variants[0].exclusiveResources {
                    guard let error = contention(resource, other.place.path.joined(separator: ".")) else { continue }
                    self.findings.error(error.message, at: sink.place.descend(error.path))
                }
            }
        }
    }

    private func checkDeadLetters() -> SinkIndex? {
        if let name = self.defaults?.child("dead_letter") { self.refuseUnknownSink(name) }
        for sink in self.sinks {
            let delivery = sink.prepared.delivery
            if let name = sink.place.child("dead_letter") {
                self.refuseUnknownSink(name)
                if name.text == sink.prepared.name { self.findings.error("a sink cannot take its own dead letters", at: name) }
            }
            if delivery.onFull == .deadLetter, delivery.deadLetter == nil, !self.isDurable {
                self.findings.error(
                    "on_full: dead_letter needs a sink for the dead letters; set dead_letter here or in defaults", at: sink.place
                )
            }
        }
        guard let unrouted = self.defaults?.child("unrouted") else { return nil }
        switch unrouted.text {
        case "drop": return nil
        case "dead_letter":
            guard let name = self.defaults?.child("dead_letter")?.text else {
                self.findings.error("dead_letter needs a sink for the dead letters; set defaults.dead_letter", at: unrouted)
                return nil
            }
            return self.sinks.firstIndex { $0.prepared.name == name }.map { SinkIndex($0) }
        default:
            self.findings.error("'\(unrouted.text ?? "")' is not one of drop, dead_letter", at: unrouted)
            return nil
        }
    }

    private func refuseUnknownSink(_ place: Located) {
        let name = place.text ?? ""
        guard !self.sinkNames.contains(name) else { return }
        self.findings.error("no sink is called '\(name)'\(NearestName.hint(for: name, among: self.sinkNames))", at: place)
    }

    /// Components that nothing goes through are probably forgotten.
    private func warnOfIdle(_ routes: [Route]) {
        guard !routes.isEmpty else { return }
        let letters = Set(
            self.sinks.compactMap(\.prepared.delivery.deadLetter) + [self.defaults?.child("dead_letter")?.text ?? ""])
        let targets = Set(routes.lazy.flatMap(\.targets).map(\.sink))
        for (index, sink) in self.sinks.enumerated() where !letters.contains(sink.prepared.name) {
            if !targets.contains(SinkIndex(index)) { self.findings.warning("no route goes to this sink", at: sink.place) }
        }
        guard !routes.contains(where: { $0.sources == nil }) else { return }
        let origins = Set(routes.lazy.flatMap { $0.sources ?? [] })
        for source in self.sources where !origins.contains(source.prepared.name) {
            self.findings.warning("no route takes from this source", at: source.place)
        }
    }
}
