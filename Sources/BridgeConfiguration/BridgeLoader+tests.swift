package import BridgeCore
import YAML

extension BridgeLoader {
    /// Reads a file that has only tests, for a plan that is read.
    ///
    /// - Parameter file: its name, for messages and places.
    package func loadTests(text: String, file: String, plan: BridgePlan) throws(ConfigurationErrors) -> [FileTest] {
        let findings = Findings(file: file)
        var tests: [FileTest] = []
        if let root = self.root(text, findings, isWanted: { _ in false }) {
            findings.refuseUnknownKeys(of: root, known: Self.declarations.filter { $0.name == Self.tests })
            if root.child(Self.tests) == nil { findings.error("'tests' is missing", at: root) }
            tests = self.reader(of: plan, plan.sources.map(\.name), plan.sinks.map(\.name), file: file, findings)
                .tests(root.child(Self.tests))
        }
        try Self.throwErrors(of: findings)
        return tests
    }

    /// Reads a message that is written as keys and values, such as options of a command.
    ///
    /// - Parameters:
    ///   - keys: those of the kind of source; a dot in a key names a member of a mapping.
    ///   - file: a name for messages.
    package func message(
        source: String?, keys: [(name: String, value: String)], body: SampleBody, plan: BridgePlan, file: String
    ) throws(ConfigurationErrors) -> TestMessage {
        let findings = Findings(file: file)
        var place = Located(node: .mapping(Node.Mapping([])), path: [])
        if let source { place = place.replacing("source", by: .scalar(Node.Scalar(source))) }
        for (name, value) in keys {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            // The style of an option: a number is a number, where one is wanted.
            var node = Node.scalar(Node.Scalar(value))
            if parts.count == 2 {
                let outer = place.child(parts[0]) ?? Located(node: .mapping(Node.Mapping([])), path: [parts[0]])
                node = outer.replacing(parts[1], by: node).node
            }
            place = place.replacing(parts[0], by: node)
        }
        let message = self.reader(of: plan, plan.sources.map(\.name), plan.sinks.map(\.name), file: file, findings)
            .message(place, body: body)
        try Self.throwErrors(of: findings)
        guard let message else { throw ConfigurationErrors(diagnostics: []) }
        return message
    }

    func tests(_ root: Located, of plan: BridgePlan, in merged: Located, file: String, _ findings: Findings) -> [FileTest] {
        let sinks = merged.child("sinks")?.members.map(\.key) ?? []
        return self.reader(
            of: plan, merged.child("sources")?.members.map(\.key) ?? [],
            sinks + (merged.child(Self.homeAssistant) == nil ? [] : [Self.homeAssistant]), file: file, findings
        ).tests(root.child(Self.tests))
    }

    private func reader(
        of plan: BridgePlan, _ sources: [String], _ sinks: [String], file: String, _ findings: Findings
    ) -> TestReader {
        TestReader(
            decoding: SettingsDecoding(findings: findings, userInfo: [.expressionCompiler: self.expressions]), findings: findings,
            file: file, readFile: self.expansion.readFile, sources: plan.sources, sinks: plan.sinks, sourceNames: sources,
            sinkNames: sinks)
    }
}
