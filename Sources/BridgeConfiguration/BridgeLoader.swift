package import BridgeCore
import YAML

/// Reads a configuration file into a plan, or reports all its mistakes.
package struct BridgeLoader: Sendable {
    let catalog: AdapterCatalog
    let expressions: any ExpressionCompiler
    let expansion: ScalarExpansion
    private let presets: [Preset]
    private let included: IncludedFiles?

    /// - Parameters:
    ///   - environment: the values for `${env:NAME}`.
    ///   - presets: what `preset:` of sources and sinks may name.
    ///   - included: finds the files of `include`; `nil` refuses the key.
    ///   - readFile: reads the values for `${file:PATH}`.
    package init(
        catalog: AdapterCatalog, expressions: any ExpressionCompiler, environment: [String: String],
        presets: [Preset] = Preset.shipped, included: IncludedFiles? = nil,
        readFile: @escaping @Sendable (String) throws -> String
    ) {
        self.presets = presets
        self.included = included
        self.catalog = catalog
        self.expressions = expressions
        self.expansion = ScalarExpansion(environment: environment, readFile: readFile)
    }

    /// Reads the text of a file.
    ///
    /// No I/O but for `${file:PATH}`.
    ///
    /// - Parameters:
    ///   - file: its name, for messages.
    ///   - readsTests: whether `tests` are read; otherwise they may have mistakes.
    package func load(text: String, file: String, readsTests: Bool = true) throws(ConfigurationErrors) -> BridgePlan {
        let findings = Findings(file: file)
        var plan = BridgePlan()
        if let root = self.root(text, findings, skipping: readsTests ? [] : [Self.tests]) {
            let merged = self.merged(root, findings)
            self.read(merged, into: &plan, findings)
            plan.tests = self.tests(root, of: plan, in: merged, file: file, findings)
        }
        try Self.throwErrors(of: findings)
        plan.references = findings.references
        plan.places = findings.places
        plan.file = file
        plan.includedFiles = findings.includedFiles
        plan.warnings = findings.sorted(findings.warnings)
        return plan
    }

    static func throwErrors(of findings: Findings) throws(ConfigurationErrors) {
        guard findings.errors.isEmpty else {
            throw ConfigurationErrors(
                diagnostics: findings.sorted(findings.errors)
            )
        }
    }

    /// Bytes that names of components and of the service may have.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// - Parameters:
    ///   - members: the top-level keys to read; `nil` for all.
    ///   - skipping: the top-level keys to leave out.
    ///   - isWanted: whether references in the scalar at a path are resolved; the others stay unchanged.
    func root(
        _ text: String, _ findings: Findings, members: Set<String>? = nil, skipping: Set<String> = [],
        isWanted: @escaping ([String]) -> Bool = { _ in true }
    ) -> Located? {
        NodeReader(
            expansion: self.expansion, findings: findings, members: members, skipping: skipping, included: self.included,
            // The messages of tests are as they are written.
            isWanted: { $0.first != Self.tests && isWanted($0) }
        ).root(of: text)
    }

    /// The outermost mapping with connections and presets merged; `nil` for a text that cannot be parsed.
    func effectiveRoot(_ text: String, _ findings: Findings) -> Located? {
        self.root(text, findings).map { self.merged($0, findings) }
    }

    private func merged(_ root: Located, _ findings: Findings) -> Located {
        let connected = ConnectionMerger(findings: findings).merged(root, blocks: [Self.homeAssistant])
        return PresetMerger(presets: self.presets, findings: findings).merged(connected)
    }

    func read(_ root: Located, into plan: inout BridgePlan, _ findings: Findings) {
        findings.refuseUnknownKeys(of: root, known: Self.declarations)
        if let version = root.child("version"), version.text != "1" {
            findings.error("unsupported version '\(version.text ?? "")'; expected 1", at: version)
        }
        let decoding = SettingsDecoding(findings: findings, userInfo: [.expressionCompiler: self.expressions])
        self.readService(root, into: &plan, decoding, findings)
        for setting in ["service.state_dir", "http.tls.cert_file", "http.tls.key_file", "log", "log.path"] + Self.keyFiles {
            findings.locate(setting, in: root)
        }
        let defaults = root.child("defaults")
        if let defaults {
            if defaults.node.mapping == nil, !defaults.isNull {
                findings.error("must be a mapping of keys to values", at: defaults)
            }
            findings.refuseUnknownKeys(of: defaults, known: Self.defaults)
            if let event = defaults.child("event") {
                plan.limits = decoding.decode(event, group: EventDeclaration.self)?.limits ?? plan.limits
            }
        }
        let components = ComponentReader(
            catalog: self.catalog, decoding: decoding, findings: findings, defaults: defaults, limits: plan.limits,
            maximumHops: plan.service.maximumHops, isDurable: plan.log.isDurable, presets: self.presets
        )
        let sources = components.sources(root.child("sources"))
        let block = self.homeAssistant(root, findings)
        var sinks = components.sinks(root.child("sinks"), further: block)
        let sinkNames = (root.child("sinks")?.members.map(\.key) ?? []) + (block == nil ? [] : [Self.homeAssistant])
        plan.routes = RouteReader(
            components: components, expressions: self.expressions, sourceNames: root.child("sources")?.members.map(\.key) ?? [],
            sinkNames: sinkNames, isDurable: plan.log.isDurable
        ).routes(root.child("routes"), sinks: &sinks)
        plan.routeFingerprints = (root.child("routes")?.items ?? []).map { DeclarationFingerprint.hash($0) }
        plan.http.accessFingerprint = root.child("http")?.child("access").map { DeclarationFingerprint.hash($0) } ?? 0
        plan.sources = sources.map(\.prepared)
        plan.sinks = sinks.map(\.prepared)
        let graph = GraphChecks(
            root: root, defaults: defaults, sources: sources, sinks: sinks, sinkNames: sinkNames, isDurable: plan.log.isDurable,
            bridge: plan.service.name, http: plan.http, findings: findings)
        plan.unroutedSink = graph.check(plan.routes)
        ExposureChecks(http: plan.http, root: root, findings: findings).check()
    }

    private static let keyFiles = ["http.access.jwt.public_key_file", "http.access.jwt.keys_file"]

    /// The block `home_assistant` as a sink of that name and type; `nil` when the file has none.
    private func homeAssistant(_ root: Located, _ findings: Findings) -> Located? {
        guard let block = root.child(Self.homeAssistant) else { return nil }
        if let other = root.child("sinks")?.child(Self.homeAssistant) {
            findings.error("the block home_assistant is a sink of this name; rename this one", at: other)
            return nil
        }
        if let type = block.child("type") {
            findings.error("the block home_assistant has its type; leave 'type' out", at: type)
            return nil
        }
        guard block.node.mapping != nil else {
            findings.error("must be a mapping with a 'url'", at: block)
            return nil
        }
        return block.replacing("type", by: .scalar(.init("home-assistant")))
    }

    private func readService(
        _ root: Located, into plan: inout BridgePlan, _ decoding: SettingsDecoding, _ findings: Findings
    ) {
        plan.service = decoding.decodeIfPresent(root.child("service"), group: ServiceSettings.self) ?? plan.service
        plan.http = decoding.decodeIfPresent(root.child("http"), group: HTTPSettings.self) ?? plan.http
        plan.log = self.log(root, directory: plan.service.stateDirectory, decoding, findings) ?? plan.log
    }
}
