import BridgeCore
import YAML

extension BridgeLoader {
    /// The file as the program understands it, in YAML: references resolved, presets merged, secrets hidden.
    ///
    /// - Parameters:
    ///   - file: its name, for messages.
    ///   - showsDefaults: whether keys that the file leaves out are shown with their defaults.
    package func render(text: String, file: String, showsDefaults: Bool) throws(ConfigurationErrors) -> String {
        let findings = Findings(file: file)
        var plan = BridgePlan()
        var node = Node.mapping(Node.Mapping([]))
        if let root = self.effectiveRoot(text, findings) {
            self.read(root, into: &plan, findings)
            node = root.node
        }
        try Self.throwErrors(of: findings)
        return EffectiveFile(
            catalog: self.catalog, showsDefaults: showsDefaults, redactions: Self.redactions(of: plan, findings.references),
            kinds: Dictionary(plan.sinks.map { ($0.name, $0.registration.kind) }, uniquingKeysWith: { first, _ in first })
        ).text(of: node)
    }

    private static func redactions(of plan: BridgePlan, _ references: [Secret]) -> [String: Redaction] {
        var redactions: [String: Redaction] = [:]
        for source in plan.sources {
            redactions["sources.\(source.name)"] = Redaction([source.settings.secrets], references: references)
        }
        for sink in plan.sinks {
            let redaction = Redaction(sink.variants.map(\.secrets), references: references)
            redactions["sinks.\(sink.name)"] = redaction
            if sink.name == Self.homeAssistant { redactions[Self.homeAssistant] = redaction }
        }
        if let access = plan.http.access { redactions["http"] = Redaction([access.secrets], references: references) }
        return redactions
    }
}
