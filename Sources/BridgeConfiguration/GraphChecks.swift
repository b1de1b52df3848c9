import BridgeCore
import YAML

/// Checks sources, sinks and routes together.
struct GraphChecks {
    let root: Located
    let defaults: Located?
    let sources: [ComponentReader.Found<PreparedSource>]
    let sinks: [ComponentReader.Found<PreparedSink>]
    /// The names of all sinks, including those with mistakes.
    let sinkNames: [String]
    /// Whether the log survives the program.
    let isDurable: Bool
    /// `service.name`; `nil` when the file has none.
    let bridge: String?
    /// Where the program listens.
    let http: HTTPSettings
    let findings: Findings

    /// - Returns: the index of the sink for events that no route takes.
    func check(_ routes: [Route]) -> SinkIndex? {
        let hasBlock = self.sinkNames.contains(BridgeLoader.homeAssistant)
        for key in ["sources", "sinks", "routes"] where key != "sinks" || !hasBlock {
            guard let part = self.root.child(key) else {
                // It is there under a wrong name, which has been reported.
                if self.root.members.contains(where: { $0.key == key.dropLast() }) { continue }
                self.findings.error("'\(key)' is missing", at: self.root, rule: .missing)
                continue
            }
            if part.isNull || part.node.mapping?.isEmpty == true || part.node.sequence?.isEmpty == true {
                self.findings.error("is empty; at least one is needed", at: part)
            }
        }
        self.checkResources()
        let unrouted = self.checkDeadLetters()
        LoopChecks(sources: self.sources, sinks: self.sinks, routes: routes).report(to: self.findings)
        LoopChecks(sources: self.sources, sinks: self.sinks, routes: routes, includesMarked: true).warn(to: self.findings)
        ReachChecks(root: self.root, sources: self.sources.map(\.prepared), findings: self.findings).check(routes)
        AddressChecks(http: self.http, findings: self.findings).check(self.root, routes, sinks: self.sinks.map(\.prepared.name))
        GrantChecks(root: self.root, findings: self.findings).check()
        TextChecks(findings: self.findings).check(self.root)
        self.warnOfOwnEntities()
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
                    let line = "line \(owner.node.mark?.line ?? 1)"
                    let file = owner.node.mark?.source
                    let location = file == place.node.mark?.source ? line : "\(file ?? self.findings.file), \(line)"
                    self.findings.error(
                        "the \(resource) belongs to \(owner.path.joined(separator: ".")) already (\(location))", at: place)
                } else {
                    owners[resource] = place
                }
            }
        }
    }

    /// An event must not choose what another sink claims alone.
    private func refuseContention() {
        let contentions = self.sinks.enumerated().compactMap { index, sink in
            sink.prepared.variants[0].contention.map { (index: index, contention: $0) }
        }
        guard !contentions.isEmpty else { return }
        let claims = self.sinks.enumerated().flatMap { index, sink in
            sink.prepared.variants[0].exclusiveResources.map { (owner: index, resource: $0) }
        }
        let byKind = Dictionary(grouping: claims.indices, by: { claims[$0].resource.kind })
            .mapValues { PrefixIndex($0.map { (name: claims[$0].resource.value, value: $0) }) }
        for (index, contention) in contentions {
            let sink = self.sinks[index]
            for claim in byKind[contention.kind]?.values(beginningWith: contention.prefix) ?? []
            where claims[claim].owner != index {
                let owner = self.sinks[claims[claim].owner].place.path.joined(separator: ".")
                guard let error = contention.refusal(claims[claim].resource, owner) else { continue }
                self.findings.error(error.message, at: sink.place.descend(error.path))
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
        self.findings.error(
            "no sink is called '\(name)'\(NearestName.hint(for: name, among: self.sinkNames))", at: place, rule: .name)
    }

    /// A source that reads what a sink announces of the program itself.
    private func warnOfOwnEntities() {
        for sink in self.sinks {
            guard let settings = sink.prepared.variants[0] as? any AnnouncingConfiguration else { continue }
            for source in self.sources {
                let name = sink.prepared.name
                guard let warning = settings.loopWarning(reading: source.prepared.settings, bridge: self.bridge, sink: name)
                else {
                    continue
                }
                self.findings.warning(warning.message, at: source.place.descend(warning.path))
            }
        }
    }

    /// Unused components are probably forgotten.
    private func warnOfIdle(_ routes: [Route]) {
        guard !routes.isEmpty else { return }
        let letters = Set(
            self.sinks.compactMap(\.prepared.delivery.deadLetter) + [self.defaults?.child("dead_letter")?.text ?? ""])
        let targets = Set(routes.lazy.flatMap(\.targets).map(\.sink))
        for (index, sink) in self.sinks.enumerated() where !letters.contains(sink.prepared.name) {
            // It shows the state of the program also without events.
            if sink.prepared.variants[0] is any AnnouncingConfiguration { continue }
            if !targets.contains(SinkIndex(index)) {
                self.findings.warning("no route leads to this sink; add one, or remove the sink", at: sink.place, rule: .unused)
            }
        }
        guard !routes.contains(where: { $0.sources == nil }) else { return }
        let origins = Set(routes.lazy.flatMap { $0.sources ?? [] })
        for source in self.sources where !origins.contains(source.prepared.name) {
            self.findings.warning("no route reads this source; add one, or remove the source", at: source.place, rule: .unused)
        }
    }
}
